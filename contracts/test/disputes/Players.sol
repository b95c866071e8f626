// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {Game} from "./Game.sol";
import {World} from "./World.sol";

/// @notice Honest players who are there, liars, friends of liars and passers-by do whatever comes; ghosts remember what must stay so.
contract Players is Game {
    uint256 private constant LIES = 3;
    uint256 private constant MOST_CLAIMS = 6;
    uint256 private constant MOST_GAMES = 14;

    address private constant LIAR = address(0x11A2);
    address private constant PUPPET = address(0x9099E7);
    address private constant PASSER_BY = address(0xA57E2);

    /// A party's numbers are kept as a contract's code: 100 KB that are read often. Number 0 is the truth.
    bytes32[LIES + 1] private _roots;
    /// Which of those each claim is about; the games of each claim; when each claim was made.
    uint256[] public claims;
    uint256[] public games;
    mapping(uint256 => uint256) public madeAt;
    /// The state in which a game ended.
    mapping(uint256 => bytes32) public endedGame;
    /// Paid in and out, for each player.
    mapping(address => uint256) public paidIn;
    mapping(address => uint256) public paidOut;

    constructor() {
        setUp();
        for (uint256 i; i <= LIES; ++i) {
            World.Lie memory lie;
            if (i == 1) lie = World.Lie(1, World.SUM, 1027, 0x00400000);
            if (i == 2) lie = World.Lie(0, World.NORM, 0, 0x00400000);
            if (i == 3) lie = World.Lie(2, World.X, 5, 1);
            World.State memory state = World.run(lie);
            _roots[i] = state.root;
            for (uint256 step; step < World.STEPS; ++step) {
                World.Step memory s = state.steps[step];
                vm.etch(_numbers(i, step), abi.encode(s.before, s.tensors, s.roots, s.leaves));
            }
        }
        gvm.deal(LIAR, 1000 ether);
        gvm.deal(PUPPET, 1000 ether);
        gvm.deal(PASSER_BY, 1000 ether);
    }

    function contractUnderTest() external view returns (IDisputes) {
        return disputes;
    }

    function theTerms() external view returns (IDisputes.Terms memory) {
        return terms;
    }

    function players() external pure returns (address[6] memory) {
        return [CLAIMANT, CHALLENGER, FRIEND, LIAR, PUPPET, PASSER_BY];
    }

    function claimCount() external view returns (uint256) {
        return claims.length;
    }

    function gameCount() external view returns (uint256) {
        return games.length;
    }

    function _numbers(uint256 i, uint256 step) private pure returns (address) {
        return address(uint160(0x10000 + 16 * i + step));
    }

    function numbers(uint256 i) private view returns (World.State memory state) {
        state.root = _roots[i];
        state.steps = new World.Step[](World.STEPS);
        state.stepLeaves = new bytes32[](World.STEPS);
        for (uint256 step; step < World.STEPS; ++step) {
            World.Step memory s = state.steps[step];
            (s.before, s.tensors, s.roots, s.leaves) =
                abi.decode(_numbers(i, step).code, (bytes32, bytes[], bytes32[], bytes32[]));
            state.stepLeaves[step] = s.leaves[World.LAST];
        }
    }

    function isHonest(address who) public pure returns (bool) {
        return who == CLAIMANT || who == CHALLENGER;
    }

    // ------------------------------------------------------------ what they do

    function claim(uint256 seed) external {
        if (claims.length == MOST_CLAIMS) return;
        uint256 what = seed % (LIES + 1);
        address who = what == 0 ? CLAIMANT : LIAR;
        uint256 bond = disputes.claimBond(terms);
        gvm.prank(who);
        uint256 id = disputes.claim{value: bond}(terms, _roots[what]);
        paidIn[who] += bond;
        claims.push(what);
        madeAt[id] = block.timestamp;
        // A liar's friend is the first to challenge, now and then; the honest challenger always comes.
        if (what != 0) {
            if (seed >> 16 & 1 == 1) _challenge(id, PUPPET);
            _challenge(id, CHALLENGER);
        }
    }

    function challenge(uint256 seed) external {
        if (claims.length == 0) return;
        uint256 id = seed % claims.length;
        address who = seed >> 16 & 1 == 1 ? PUPPET : FRIEND;
        IDisputes.Claim memory c = disputes.claimOf(id);
        if (c.lost || c.settled || block.timestamp > c.windowEnd || games.length >= MOST_GAMES) {
            refusal(who, disputes.challengeBond(terms), abi.encodeCall(IDisputes.challenge, (id, terms)));
        }
        if (c.lost || c.settled || block.timestamp > c.windowEnd) return;
        if (games.length < MOST_GAMES) _challenge(id, who);
    }

    function _challenge(uint256 id, address who) private {
        uint256 game = challenged(id, who);
        paidIn[who] += disputes.gameOf(game).bond;
        games.push(id);
    }

    /// @dev Must be refused, unless the only reason to keep from it is our own limit on games.
    function refusal(address who, uint256 value, bytes memory move) private {
        if (games.length >= MOST_GAMES && value > 0) return;
        gvm.prank(who);
        (bool sent,) = address(disputes).call{value: value}(move);
        no(sent, "what must be refused");
    }

    /// @dev A few moves in a row of one game, by whoever is to move; the friends play anything, or nothing.
    function play(uint256 seed) external {
        if (games.length == 0) return;
        uint256 id = seed % games.length;
        for (uint256 i; i < 1 + (seed >> 16) % 4 && !over(id); ++i) {
            if (!_move(id, uint256(keccak256(abi.encode(seed, i))))) break;
        }
    }

    function _move(uint256 id, uint256 seed) private returns (bool moved) {
        IDisputes.Game memory g = disputes.gameOf(id);
        if (disputes.claimOf(g.claim).lost) return false;
        address claimant = disputes.claimOf(g.claim).claimant;
        World.State memory said = numbers(claims[g.claim]);
        if (g.clock.claimantToMove) moved = claimantMoves(id, g, said);
        else if (g.challenger == CHALLENGER) moved = challengerMoves(id, g, said, numbers(0), 0);
        else moved = challengerMoves(id, g, said, said, seed);
        if (isHonest(g.clock.claimantToMove ? claimant : g.challenger)) {
            yes(moved, "an honest player has a move");
        }
        _note(id);
    }

    /// @dev Time passes, but an honest player who is to move does so before.
    function wait(uint256 time) external {
        _honestMove();
        vm.warp(block.timestamp + within(time, 1, EXTENSION));
    }

    /// @dev Drawn up to three budgets, the longest that any clock can run: a claimant's two and an extension. Whoever was silent for longer
    /// than its clock then loses; `timeOut` expects exactly that, and a refusal where there is time left.
    function waitLong(uint256 seed) external {
        _honestMove();
        vm.warp(block.timestamp + within(seed, 1, 3 * BUDGET));
        for (uint256 id; id < games.length; ++id) {
            timeOut(id);
        }
    }

    function _honestMove() private {
        for (uint256 id; id < games.length; ++id) {
            for (uint256 i; i < 40 && !over(id); ++i) {
                IDisputes.Game memory g = disputes.gameOf(id);
                address mover = g.clock.claimantToMove ? disputes.claimOf(g.claim).claimant : g.challenger;
                if (!isHonest(mover) || disputes.claimOf(g.claim).lost) break;
                _move(id, 0);
            }
        }
    }

    /// @dev Calls what anyone may call, and expects exactly what the clock says.
    function timeOut(uint256 seed) public {
        if (games.length == 0) return;
        uint256 id = seed % games.length;
        IDisputes.Game memory g = disputes.gameOf(id);
        uint256 left = g.clock.claimantToMove ? g.clock.claimantLeft : g.clock.challengerLeft;
        bool due = g.phase != IDisputes.Phase.Over && !disputes.claimOf(g.claim).lost
            && block.timestamp > g.clock.since + left;
        _as(PASSER_BY, abi.encodeCall(IDisputes.timeout, (id)), due);
        _note(id);
    }

    function release(uint256 seed) public {
        if (games.length == 0) return;
        uint256 id = seed % games.length;
        bool due = !over(id) && disputes.claimOf(games[id]).lost;
        _as(PASSER_BY, abi.encodeCall(IDisputes.release, (id)), due);
        _note(id);
    }

    function settle(uint256 seed) public {
        if (claims.length == 0) return;
        uint256 id = seed % claims.length;
        IDisputes.Claim memory c = disputes.claimOf(id);
        bool due = !c.lost && !c.settled && c.liveGames == 0 && block.timestamp > c.windowEnd;
        _as(PASSER_BY, abi.encodeCall(IDisputes.settle, (id)), due);
    }

    function withdraw(uint256 seed) public {
        address who = this.players()[seed % 6];
        uint256 owed = disputes.credit(who);
        uint256 had = who.balance;
        _as(who, abi.encodeCall(IDisputes.withdraw, ()), owed > 0);
        eq(who.balance, had + owed, "what was owed");
        paidOut[who] += owed;
    }

    /// @dev Moves that are somebody else's, and of games that are over: refused, and nothing changes.
    function intrude(uint256 seed) external {
        if (games.length == 0) return;
        uint256 id = seed % games.length;
        bytes32 before = stateOf(id);
        IDisputes.Game memory g = disputes.gameOf(id);
        address mover = g.clock.claimantToMove ? disputes.claimOf(g.claim).claimant : g.challenger;
        address who = over(id) ? mover : PASSER_BY;
        bytes32[] memory nodes = new bytes32[](seed >> 8 & 15);
        IDisputes.Slot memory slot = World.slots()[seed >> 16 & 7];
        _as(who, abi.encodeCall(IDisputes.reveal, (id, nodes)), false);
        _as(who, abi.encodeCall(IDisputes.pick, (id, 0, nodes)), false);
        _as(who, abi.encodeCall(IDisputes.openLeaf, (id, "")), false);
        _as(who, abi.encodeCall(IDisputes.pickElement, (id, slot, 0, new bytes(4))), false);
        _as(who, abi.encodeCall(IDisputes.pickChunk, (id, 0, new uint32[](1))), false);
        _as(who, abi.encodeCall(IDisputes.postFold, (id, slot, new uint32[](1))), false);
        yes(stateOf(id) == before, "nothing changed");
    }

    function _as(address who, bytes memory move, bool expected) private {
        gvm.prank(who);
        (bool sent,) = address(disputes).call(move);
        yes(sent == expected, expected ? "what is due" : "what is not due");
    }

    // ------------------------------------------------------------ what they remember

    function stateOf(uint256 id) public view returns (bytes32) {
        return keccak256(abi.encode(disputes.gameOf(id)));
    }

    function _note(uint256 id) private {
        if (!over(id) || endedGame[id] != 0) return;
        endedGame[id] = stateOf(id);
    }

    /// @notice When the side to move in a game loses, if it stays silent.
    function deadline(uint256 id) public view returns (uint256) {
        IDisputes.Game memory g = disputes.gameOf(id);
        return g.clock.since + (g.clock.claimantToMove ? g.clock.claimantLeft : g.clock.challengerLeft);
    }

    /// @notice The end that anyone can bring about once `maxSeconds` have passed: games over, claims decided, all paid out.
    function finish() external {
        if (claims.length == 0) return;
        _honestMove();
        uint256 end = madeAt[claims.length - 1] + disputes.maxSeconds(terms) + 1;
        if (block.timestamp < end) vm.warp(end);
        for (uint256 id; id < games.length; ++id) {
            if (over(id)) continue;
            if (disputes.claimOf(games[id]).lost) release(id);
            else timeOut(id);
            yes(over(id), "every game is over");
        }
        for (uint256 id; id < claims.length; ++id) {
            if (!disputes.claimOf(id).settled) settle(id);
        }
        for (uint256 i; i < 6; ++i) {
            withdraw(i);
        }
    }
}
