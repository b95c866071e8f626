// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {DisputesFixture} from "./DisputesFixture.sol";
import {SampleRun} from "./SampleRun.sol";

/// @notice The handler of the invariant test: an honest claimant and challenger, a faulty claimant, a
/// colluding challenger, a challenger that picks at random, and a third party act in random order. Ghost
/// variables keep what must not change.
contract DisputesHandler is DisputesFixture {
    uint256 private constant FAULTS = 3;
    uint256 private constant MAX_CLAIMS = 6;
    uint256 private constant MAX_GAMES = 14;

    address private constant FAULTY_CLAIMANT = address(0x11A2);
    address private constant COLLUDER = address(0x9099E7);
    address private constant THIRD_PARTY = address(0xA57E2);

    /// The root of each execution. Execution 0 is honest, each of the others has one fault. The rest of an
    /// execution, about 100 KB, is kept as the code of an account: reading code is cheaper than reading
    /// storage.
    bytes32[FAULTS + 1] private _roots;
    /// The execution that each claim is about.
    uint256[] public claims;
    /// The claim of each game.
    uint256[] public games;
    /// When each claim was made.
    mapping(uint256 => uint256) public claimedAt;
    /// The hash of a game's state when it ended.
    mapping(uint256 => bytes32) public endedGame;
    /// What each account has paid in and was paid.
    mapping(address => uint256) public paidIn;
    mapping(address => uint256) public paidOut;

    constructor() {
        setUp();
        for (uint256 i; i <= FAULTS; ++i) {
            SampleRun.Fault memory fault;
            if (i == 1) fault = SampleRun.Fault(1, SampleRun.SUM, 1027, 0x00400000);
            if (i == 2) fault = SampleRun.Fault(0, SampleRun.NORM, 0, 0x00400000);
            if (i == 3) fault = SampleRun.Fault(2, SampleRun.X, 5, 1);
            SampleRun.Execution memory execution = SampleRun.execute(fault);
            _roots[i] = execution.root;
            for (uint256 step; step < SampleRun.STEPS; ++step) {
                SampleRun.Step memory s = execution.steps[step];
                vm.etch(_storageOf(i, step), abi.encode(s.before, s.tensors, s.roots, s.leaves));
            }
        }
        vm.deal(FAULTY_CLAIMANT, 1000 ether);
        vm.deal(COLLUDER, 1000 ether);
        vm.deal(THIRD_PARTY, 1000 ether);
    }

    function contractUnderTest() external view returns (IDisputes) {
        return disputes;
    }

    function theTerms() external view returns (IDisputes.Terms memory) {
        return terms;
    }

    function accounts() external pure returns (address[6] memory) {
        return [CLAIMANT, CHALLENGER, OTHER_CHALLENGER, FAULTY_CLAIMANT, COLLUDER, THIRD_PARTY];
    }

    function claimCount() external view returns (uint256) {
        return claims.length;
    }

    function gameCount() external view returns (uint256) {
        return games.length;
    }

    function _storageOf(uint256 i, uint256 step) private pure returns (address) {
        return address(uint160(0x10000 + 16 * i + step));
    }

    function executionOf(uint256 i) private view returns (SampleRun.Execution memory execution) {
        execution.root = _roots[i];
        execution.steps = new SampleRun.Step[](SampleRun.STEPS);
        execution.stepLeaves = new bytes32[](SampleRun.STEPS);
        for (uint256 step; step < SampleRun.STEPS; ++step) {
            SampleRun.Step memory s = execution.steps[step];
            (s.before, s.tensors, s.roots, s.leaves) =
                abi.decode(_storageOf(i, step).code, (bytes32, bytes[], bytes32[], bytes32[]));
            execution.stepLeaves[step] = s.leaves[SampleRun.LAST];
        }
    }

    function isHonest(address who) public pure returns (bool) {
        return who == CLAIMANT || who == CHALLENGER;
    }

    // ------------------------------------------------------------ actions

    function claim(uint256 seed) external {
        if (claims.length == MAX_CLAIMS) return;
        uint256 execution = seed % (FAULTS + 1);
        address who = execution == 0 ? CLAIMANT : FAULTY_CLAIMANT;
        uint256 bond = disputes.claimBond(terms);
        vm.prank(who);
        uint256 id = disputes.claim{value: bond}(terms, _roots[execution]);
        paidIn[who] += bond;
        claims.push(execution);
        claimedAt[id] = block.timestamp;
        // The honest challenger challenges every faulty claim. Sometimes a colluding challenger comes first.
        if (execution != 0) {
            if (seed >> 16 & 1 == 1) _openGame(id, COLLUDER);
            _openGame(id, CHALLENGER);
        }
    }

    function challenge(uint256 seed) external {
        if (claims.length == 0) return;
        uint256 id = seed % claims.length;
        address who = seed >> 16 & 1 == 1 ? COLLUDER : OTHER_CHALLENGER;
        IDisputes.Claim memory c = disputes.claimOf(id);
        if (c.lost || c.settled || block.timestamp > c.windowEnd || games.length >= MAX_GAMES) {
            _expectRefusal(
                who, disputes.challengeBond(terms), abi.encodeCall(IDisputes.challenge, (id, terms))
            );
        }
        if (c.lost || c.settled || block.timestamp > c.windowEnd) return;
        if (games.length < MAX_GAMES) _openGame(id, who);
    }

    function _openGame(uint256 id, address who) private {
        uint256 game = challengeAs(id, who);
        paidIn[who] += disputes.gameOf(game).bond;
        games.push(id);
    }

    /// @dev The call must revert, unless only this handler's own limit on games speaks against it.
    function _expectRefusal(address who, uint256 value, bytes memory move) private {
        if (games.length >= MAX_GAMES && value > 0) return;
        vm.prank(who);
        (bool sent,) = address(disputes).call{value: value}(move);
        assertFalse(sent, "the call reverts");
    }

    /// @dev Up to four moves of one game, by the side to move. Challengers that are not honest pick at
    /// random.
    function play(uint256 seed) external {
        if (games.length == 0) return;
        uint256 id = seed % games.length;
        for (uint256 i; i < 1 + (seed >> 16) % 4 && !isOver(id); ++i) {
            if (!_move(id, uint256(keccak256(abi.encode(seed, i))))) break;
        }
    }

    function _move(uint256 id, uint256 seed) private returns (bool moved) {
        IDisputes.Game memory g = disputes.gameOf(id);
        if (disputes.claimOf(g.claim).lost) return false;
        address claimant = disputes.claimOf(g.claim).claimant;
        SampleRun.Execution memory claimantRun = executionOf(claims[g.claim]);
        if (g.clock.claimantToMove) moved = claimantMoves(id, g, claimantRun);
        else if (g.challenger == CHALLENGER) moved = challengerMoves(id, g, claimantRun, executionOf(0), 0);
        else moved = challengerMoves(id, g, claimantRun, claimantRun, seed);
        if (isHonest(g.clock.claimantToMove ? claimant : g.challenger)) {
            assertTrue(moved, "an honest player has a move");
        }
        _recordEnd(id);
    }

    /// @dev Honest players make their moves before time passes.
    function wait(uint256 time) external {
        _makeHonestMoves();
        vm.warp(block.timestamp + bound(time, 1, EXTENSION));
    }

    /// @dev Up to three budgets pass, which is longer than any clock runs: a claimant has at most two budgets
    /// and an extension. A player that was silent for longer than its clock loses; `timeOut` checks that, and
    /// that nobody else does.
    function waitLong(uint256 seed) external {
        _makeHonestMoves();
        vm.warp(block.timestamp + bound(seed, 1, 3 * BUDGET));
        for (uint256 id; id < games.length; ++id) {
            timeOut(id);
        }
    }

    function _makeHonestMoves() private {
        for (uint256 id; id < games.length; ++id) {
            for (uint256 i; i < 40 && !isOver(id); ++i) {
                IDisputes.Game memory g = disputes.gameOf(id);
                address mover = g.clock.claimantToMove ? disputes.claimOf(g.claim).claimant : g.challenger;
                if (!isHonest(mover) || disputes.claimOf(g.claim).lost) break;
                _move(id, 0);
            }
        }
    }

    /// @dev The call has to succeed exactly when the clock is over.
    function timeOut(uint256 seed) public {
        if (games.length == 0) return;
        uint256 id = seed % games.length;
        IDisputes.Game memory g = disputes.gameOf(id);
        uint256 left = g.clock.claimantToMove ? g.clock.claimantLeft : g.clock.challengerLeft;
        bool due = g.phase != IDisputes.Phase.Over && !disputes.claimOf(g.claim).lost
            && block.timestamp > g.clock.since + left;
        _call(THIRD_PARTY, abi.encodeCall(IDisputes.timeout, (id)), due);
        _recordEnd(id);
    }

    function release(uint256 seed) public {
        if (games.length == 0) return;
        uint256 id = seed % games.length;
        bool due = !isOver(id) && disputes.claimOf(games[id]).lost;
        _call(THIRD_PARTY, abi.encodeCall(IDisputes.release, (id)), due);
        _recordEnd(id);
    }

    function settle(uint256 seed) public {
        if (claims.length == 0) return;
        uint256 id = seed % claims.length;
        IDisputes.Claim memory c = disputes.claimOf(id);
        bool due = !c.lost && !c.settled && c.liveGames == 0 && block.timestamp > c.windowEnd;
        _call(THIRD_PARTY, abi.encodeCall(IDisputes.settle, (id)), due);
    }

    function withdraw(uint256 seed) public {
        address who = this.accounts()[seed % 6];
        uint256 owed = disputes.credit(who);
        uint256 had = who.balance;
        _call(who, abi.encodeCall(IDisputes.withdraw, ()), owed > 0);
        assertEq(who.balance, had + owed, "the credit is paid");
        paidOut[who] += owed;
    }

    /// @dev Moves of a game that is over, or by an account that does not play it. All revert and change
    /// nothing.
    function tryInvalidMoves(uint256 seed) external {
        if (games.length == 0) return;
        uint256 id = seed % games.length;
        bytes32 before = stateOf(id);
        IDisputes.Game memory g = disputes.gameOf(id);
        address mover = g.clock.claimantToMove ? disputes.claimOf(g.claim).claimant : g.challenger;
        address who = isOver(id) ? mover : THIRD_PARTY;
        bytes32[] memory nodes = new bytes32[](seed >> 8 & 15);
        IDisputes.Slot memory slot = SampleRun.slots()[seed >> 16 & 7];
        _call(who, abi.encodeCall(IDisputes.reveal, (id, nodes)), false);
        _call(who, abi.encodeCall(IDisputes.pick, (id, 0, nodes)), false);
        _call(who, abi.encodeCall(IDisputes.openLeaf, (id, "")), false);
        _call(who, abi.encodeCall(IDisputes.pickElement, (id, slot, 0, new bytes(4))), false);
        _call(who, abi.encodeCall(IDisputes.pickChunk, (id, 0, new uint32[](1))), false);
        _call(who, abi.encodeCall(IDisputes.postFold, (id, slot, new uint32[](1))), false);
        assertEq(stateOf(id), before, "the game is unchanged");
    }

    function _call(address who, bytes memory move, bool expected) private {
        vm.prank(who);
        (bool sent,) = address(disputes).call(move);
        assertEq(sent, expected, expected ? "the call succeeds" : "the call reverts");
    }

    // ------------------------------------------------------------ state for the invariants

    function stateOf(uint256 id) public view returns (bytes32) {
        return keccak256(abi.encode(disputes.gameOf(id)));
    }

    function _recordEnd(uint256 id) private {
        if (!isOver(id) || endedGame[id] != 0) return;
        endedGame[id] = stateOf(id);
    }

    /// @notice The last second at which the side to move in a game can move.
    function deadline(uint256 id) public view returns (uint256) {
        IDisputes.Game memory g = disputes.gameOf(id);
        return g.clock.since + (g.clock.claimantToMove ? g.clock.claimantLeft : g.clock.challengerLeft);
    }

    /// @notice After `maxSeconds` a third party ends all games and decides all claims, and everyone
    /// withdraws.
    function finish() external {
        if (claims.length == 0) return;
        _makeHonestMoves();
        uint256 end = claimedAt[claims.length - 1] + disputes.maxSeconds(terms) + 1;
        if (block.timestamp < end) vm.warp(end);
        for (uint256 id; id < games.length; ++id) {
            if (isOver(id)) continue;
            if (disputes.claimOf(games[id]).lost) release(id);
            else timeOut(id);
            assertTrue(isOver(id), "every game is over");
        }
        for (uint256 id; id < claims.length; ++id) {
            if (!disputes.claimOf(id).settled) settle(id);
        }
        for (uint256 i; i < 6; ++i) {
            withdraw(i);
        }
    }
}
