// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IJudge} from "../judge/IJudge.sol";
import {Leaf, Node, Operands} from "../judge/Operands.sol";
import {ChessClock, Clock} from "./ChessClock.sol";
import {IDisputes} from "./IDisputes.sol";
import {MerkleSha256 as Merkle} from "./MerkleSha256.sol";

/// @title Disputes
/// @notice Implements IDisputes, which documents every function.
contract Disputes is IDisputes {
    using ChessClock for Clock;

    /// @dev Levels of a tree that one reveal opens, which are at most 16 nodes.
    uint256 private constant LEVELS = 4;
    /// @dev The number of moves that a judgement counts as in a bond. It needs up to this many times the gas
    /// of a move.
    uint256 private constant JUDGEMENT = 20;

    /// @inheritdoc IDisputes
    uint256 public constant MAX_LEAVES = 4096;
    /// @inheritdoc IDisputes
    uint32 public constant MAX_REPEAT_SECONDS = 7 days;

    IJudge public immutable JUDGE;
    uint32 public immutable WINDOW;
    /// @inheritdoc IDisputes
    uint32 public immutable STEP_SECONDS;
    uint32 public immutable BUDGET;
    uint32 public immutable EXTENSION;
    /// @notice The bond for each move of a game. It has to pay for 500,000 gas, the most that a move costs.
    uint96 public immutable MOVE_BOND;

    Claim[] private _claims;
    Game[] private _games;
    mapping(address => uint256) public credit;
    uint256 public burned;

    constructor(
        IJudge judge_,
        uint32 window,
        uint32 stepSeconds,
        uint32 budget,
        uint32 extension,
        uint96 moveBond
    ) {
        // A clock holds up to twice the longest budget in 32 bits.
        if (stepSeconds == 0 || budget > type(uint32).max / 2 - MAX_REPEAT_SECONDS) revert BadTerms();
        JUDGE = judge_;
        WINDOW = window;
        STEP_SECONDS = stepSeconds;
        BUDGET = budget;
        EXTENSION = extension;
        MOVE_BOND = moveBond;
    }

    // ---------------------------------------------------------------- claims

    /// @inheritdoc IDisputes
    function claim(Terms calldata terms, bytes32 root) external payable returns (uint256 id) {
        if (terms.slots < 2) revert BadTerms();
        uint256 window = windowOf(terms.steps);
        uint256 due = claimBond(terms);
        if (msg.value != due) revert WrongBond(due);
        id = _claims.length;
        Claim storage c = _claims.push();
        c.claimant = msg.sender;
        // forge-lint: disable-next-line(unsafe-typecast)
        c.windowEnd = uint64(block.timestamp + window);
        // The bond was just paid and is at most a few hundred MOVE_BOND, so it fits 96 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        c.bond = uint96(due);
        c.terms = keccak256(abi.encode(terms));
        c.root = root;
        emit Claimed(id, msg.sender, c.terms, root, c.windowEnd);
    }

    /// @inheritdoc IDisputes
    function challenge(uint256 id, Terms calldata terms) external payable returns (uint256 game) {
        Claim storage c = _claims[id];
        _checkTerms(c, terms);
        if (c.lost || c.settled) revert AlreadyDecided();
        if (block.timestamp > c.windowEnd) revert WindowClosed();
        uint256 due = challengeBond(terms);
        if (msg.value != due) revert WrongBond(due);
        game = _games.length;
        Game storage g = _games.push();
        g.claim = id;
        g.challenger = msg.sender;
        // forge-lint: disable-next-line(unsafe-typecast)
        g.bond = uint96(due);
        g.moves = 1;
        ++c.moves;
        uint32 budget = BUDGET + _repeatSeconds(terms.steps);
        g.clock.start(budget, _extra(c.liveGames, budget));
        ++c.liveGames;
        _descend(g, Phase.Steps, terms.steps, c.root);
        emit Challenged(id, game, msg.sender);
    }

    /// @inheritdoc IDisputes
    function settle(uint256 id) external {
        Claim storage c = _claims[id];
        if (c.lost || c.settled) revert AlreadyDecided();
        if (block.timestamp <= c.windowEnd) revert WindowOpen();
        if (c.liveGames != 0) revert GamesLive();
        c.settled = true;
        credit[c.claimant] += c.bond;
        emit Settled(id, true);
    }

    /// @inheritdoc IDisputes
    function withdraw() external {
        uint256 amount = credit[msg.sender];
        if (amount == 0) revert NothingToWithdraw();
        credit[msg.sender] = 0;
        (bool paid,) = msg.sender.call{value: amount}("");
        if (!paid) revert PaymentFailed();
    }

    // ---------------------------------------------------------------- descent

    /// @inheritdoc IDisputes
    function reveal(uint256 id, bytes32[] calldata nodes) external {
        Game storage g = _games[id];
        if (!_inDescent(g.phase) || g.revealed != 0) revert NotYourMove();
        _claimantMoves(g);
        if (Merkle.rootOfFrontier(nodes, g.size, LEVELS) != g.node) revert DoesNotHash();
        g.revealed = keccak256(abi.encode(nodes));
        g.clock.press(false, EXTENSION);
        emit Revealed(id, nodes);
    }

    /// @inheritdoc IDisputes
    function pick(uint256 id, uint256 index, bytes32[] calldata nodes) external {
        Game storage g = _games[id];
        if (!_inDescent(g.phase) || g.revealed == 0) revert NotYourMove();
        _challengerMoves(g);
        if (keccak256(abi.encode(nodes)) != g.revealed) revert NotAsCommitted();
        (uint256 first, uint256 size) = Merkle.part(g.size, LEVELS, index);
        // Both are below the size of the tree, which is below 2^64.
        // forge-lint: disable-next-line(unsafe-typecast)
        (g.first, g.size) = (g.first + uint64(first), uint64(size));
        g.node = nodes[index];
        g.revealed = 0;
        if (size == 1) _atLeaf(g);
        g.clock.press(true, EXTENSION);
        emit Picked(id, g.phase, g.first, g.size);
    }

    function _inDescent(Phase phase) private pure returns (bool) {
        return phase == Phase.Steps || phase == Phase.Slots || phase == Phase.Leaves;
    }

    function _descend(Game storage g, Phase phase, uint256 size, bytes32 root) private {
        g.phase = phase;
        g.first = 0;
        // forge-lint: disable-next-line(unsafe-typecast)
        g.size = uint64(size);
        g.node = root;
        if (size == 1) _atLeaf(g);
    }

    function _atLeaf(Game storage g) private {
        if (g.phase == Phase.Steps) {
            // forge-lint: disable-next-line(unsafe-typecast)
            g.step = uint32(g.first);
            g.phase = Phase.Step;
        } else if (g.phase == Phase.Slots) {
            // forge-lint: disable-next-line(unsafe-typecast)
            g.slot = uint32(g.first);
            g.phase = Phase.Slot;
        } else {
            g.phase = Phase.Leaf;
        }
    }

    // ---------------------------------------------------------------- from level to level

    /// @inheritdoc IDisputes
    function openStep(
        uint256 id,
        Terms calldata terms,
        bytes32 afterwards,
        bytes32 before,
        bytes32[] calldata beforeProof,
        bytes32 trace,
        bytes32[] calldata lastProof
    ) external {
        Game storage g = _games[id];
        if (g.phase != Phase.Step) revert NotYourMove();
        _claimantMoves(g);
        _checkTerms(_claims[g.claim], terms);
        if (Merkle.leaf(afterwards) != g.node) revert DoesNotHash();
        if (!_isBefore(g, terms, before, beforeProof)) revert DoesNotHash();
        if (!Merkle.verify(g.node, terms.slots - 1, terms.slots, lastProof, trace)) revert DoesNotHash();
        g.before = before;
        g.trace = trace;
        _descend(g, Phase.Slots, terms.slots, trace);
        g.clock.press(true, EXTENSION);
        emit StepOpened(id, before, afterwards, trace);
    }

    function _isBefore(Game storage g, Terms calldata terms, bytes32 before, bytes32[] calldata proof)
        private
        view
        returns (bool)
    {
        if (g.step == 0) return before == terms.initial;
        return Merkle.verify(Merkle.leaf(before), g.step - 1, terms.steps, proof, _claims[g.claim].root);
    }

    /// @inheritdoc IDisputes
    function openSlot(
        uint256 id,
        Terms calldata terms,
        Slot calldata slot,
        bytes32[] calldata slotProof,
        bytes32 tensor,
        Input[] calldata inputs
    ) external {
        Game storage g = _games[id];
        if (g.phase != Phase.Slot) revert NotYourMove();
        _claimantMoves(g);
        _checkTerms(_claims[g.claim], terms);
        if (Merkle.leaf(tensor) != g.node) revert DoesNotHash();
        bytes memory encoded = abi.encode(slot);
        if (!Merkle.verify(Merkle.leaf(encoded), g.slot, terms.slots, slotProof, terms.program)) {
            revert NotAsCommitted();
        }
        emit SlotOpened(id, g.slot, tensor);
        if (slot.kind == Kind.Output) {
            uint256 leaves = (uint256(slot.node.length) + Operands.LEAF - 1) / Operands.LEAF;
            if (leaves == 0 || leaves > MAX_LEAVES) revert BadTerms();
            g.slotHash = keccak256(encoded);
            g.length = slot.node.length;
            _descend(g, Phase.Leaves, leaves, tensor);
            g.clock.press(true, EXTENSION);
            return;
        }
        if (g.clock.isOver()) revert ChessClock.OutOfTime();
        if (slot.kind == Kind.Compose) {
            if (_composed(g, terms, slot, inputs) != tensor) return _end(id, g, false);
        } else if (slot.kind == Kind.Fixed) {
            if (keccak256(slot.name) != keccak256(abi.encodePacked(tensor))) return _end(id, g, false);
        } else if (!_isGiven(g, terms, slot, tensor, inputs[0].proof)) {
            revert DoesNotHash();
        }
        _end(id, g, true);
    }

    function _isGiven(
        Game storage g,
        Terms calldata terms,
        Slot calldata slot,
        bytes32 tensor,
        bytes32[] calldata proof
    ) private view returns (bool) {
        if (slot.kind == Kind.State) {
            bytes32 hash = Merkle.leaf(bytes.concat(slot.name, tensor));
            return Merkle.verify(hash, slot.place, slot.count, proof, g.before);
        }
        uint256 index = uint256(g.step) * terms.dataSlots + slot.place;
        uint256 size = uint256(terms.steps) * terms.dataSlots;
        return Merkle.verify(Merkle.leaf(tensor), index, size, proof, terms.data);
    }

    /// @dev The checkpoint root that is composed from tensors of the trace.
    function _composed(Game storage g, Terms calldata terms, Slot calldata slot, Input[] calldata inputs)
        private
        view
        returns (bytes32)
    {
        uint256 count = slot.inputs.length;
        bytes32[] memory leaves = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            _checkInput(g, terms, slot, inputs[i], i);
            leaves[i] =
                i == count - 1 ? inputs[i].root : Merkle.leaf(bytes.concat(slot.names[i], inputs[i].root));
        }
        return Merkle.rootOf(leaves);
    }

    /// @dev Checks that an input lies before the disputed slot, where the challenger has conceded the
    /// claimant's trace.
    function _checkInput(
        Game storage g,
        Terms calldata terms,
        Slot calldata slot,
        Input calldata input,
        uint256 i
    ) private view {
        uint256 place = slot.inputs[i];
        if (place >= g.slot) revert BadTerms();
        if (!Merkle.verify(Merkle.leaf(input.root), place, terms.slots, input.proof, g.trace)) {
            revert DoesNotHash();
        }
    }

    /// @inheritdoc IDisputes
    function openLeaf(uint256 id, bytes calldata data) external {
        Game storage g = _games[id];
        if (g.phase != Phase.Leaf) revert NotYourMove();
        _claimantMoves(g);
        if (data.length != Operands.leafBytes(g.length, g.first)) revert DoesNotHash();
        if (Merkle.leaf(data) != g.node) revert DoesNotHash();
        g.phase = Phase.Element;
        g.clock.press(false, EXTENSION);
        emit LeafOpened(id, data);
    }

    /// @inheritdoc IDisputes
    function pickElement(uint256 id, Slot calldata slot, uint32 offset, bytes calldata data) external {
        Game storage g = _games[id];
        if (g.phase != Phase.Element) revert NotYourMove();
        _challengerMoves(g);
        _checkSlot(g, slot);
        if (Merkle.leaf(data) != g.node || uint256(offset) * 4 >= data.length) revert DoesNotHash();
        // The index of an element and its value have 32 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        g.element = uint32(g.first * Operands.LEAF + offset);
        // forge-lint: disable-next-line(unsafe-typecast)
        g.value = uint32(Operands.wordIn(data, offset));
        g.phase = JUDGE.folds(slot.node.op) ? Phase.Fold : Phase.Judge;
        g.clock.press(true, EXTENSION);
        emit ElementPicked(id, g.element, g.value);
    }

    /// @inheritdoc IDisputes
    function postFold(uint256 id, Slot calldata slot, uint32[] calldata accumulators) external {
        Game storage g = _games[id];
        if (g.phase != Phase.Fold) revert NotYourMove();
        _claimantMoves(g);
        _checkSlot(g, slot);
        if (accumulators.length > JUDGE.chunkLimit(slot.node)) revert DoesNotHash();
        if (JUDGE.total(slot.node.op, accumulators) != g.value) revert DoesNotHash();
        g.accumulators = keccak256(abi.encode(accumulators));
        // forge-lint: disable-next-line(unsafe-typecast)
        g.chunks = uint32(accumulators.length);
        g.phase = Phase.Chunk;
        g.clock.press(false, EXTENSION);
        emit FoldPosted(id, accumulators);
    }

    /// @inheritdoc IDisputes
    function pickChunk(uint256 id, uint32 chunk, uint32[] calldata accumulators) external {
        Game storage g = _games[id];
        if (g.phase != Phase.Chunk) revert NotYourMove();
        _challengerMoves(g);
        if (keccak256(abi.encode(accumulators)) != g.accumulators) revert NotAsCommitted();
        // A fold without chunks is judged by chunk 0. The judge then checks that it has no terms.
        if (chunk >= g.chunks && chunk != 0) revert NotAsCommitted();
        g.chunk = chunk;
        if (g.chunks > 0) g.accumulatorAfter = accumulators[chunk];
        if (chunk > 0) g.accumulatorBefore = accumulators[chunk - 1];
        g.phase = Phase.Judge;
        g.clock.press(true, EXTENSION);
        emit ChunkPicked(id, chunk);
    }

    // ---------------------------------------------------------------- the end

    /// @inheritdoc IDisputes
    function judge(
        uint256 id,
        Terms calldata terms,
        Slot calldata slot,
        Input[] calldata inputs,
        Opening[] calldata openings
    ) external {
        Game storage g = _games[id];
        if (g.phase != Phase.Judge || _claims[g.claim].lost) revert NotYourMove();
        if (g.clock.isOver()) revert ChessClock.OutOfTime();
        _checkTerms(_claims[g.claim], terms);
        _checkSlot(g, slot);
        for (uint256 i; i < slot.inputs.length; ++i) {
            _checkInput(g, terms, slot, inputs[i], i);
        }
        Leaf[] memory leaves = new Leaf[](openings.length);
        for (uint256 i; i < openings.length; ++i) {
            leaves[i] = _checkOpening(slot, inputs, openings[i]);
        }
        (uint256 got, uint256 claimed) = _recompute(g, slot.node, leaves);
        emit Judged(id, got, claimed);
        _end(id, g, got == claimed);
    }

    function _checkOpening(Slot calldata slot, Input[] calldata inputs, Opening calldata opening)
        private
        pure
        returns (Leaf memory leaf)
    {
        leaf = opening.leaf;
        uint256 length = slot.node.lengths[leaf.input];
        uint256 size = (length + Operands.LEAF - 1) / Operands.LEAF;
        bytes32 root = inputs[leaf.input].root;
        if (!Merkle.verify(Merkle.leaf(leaf.data), leaf.index, size, opening.proof, root)) {
            revert DoesNotHash();
        }
    }

    function _recompute(Game storage g, Node calldata node, Leaf[] memory leaves)
        private
        view
        returns (uint256 got, uint256 claimed)
    {
        if (g.accumulators == 0) return (JUDGE.element(node, leaves, g.element), g.value);
        uint256 chunks;
        (got, chunks) = JUDGE.chunkOf(node, leaves, g.element, g.chunk, g.accumulatorBefore);
        claimed = g.accumulatorAfter;
        // A fold with another number of chunks is wrong, whatever its accumulators are.
        if (chunks != g.chunks) return (chunks, type(uint256).max);
    }

    /// @inheritdoc IDisputes
    function timeout(uint256 id) external {
        Game storage g = _games[id];
        if (g.phase == Phase.Over || _claims[g.claim].lost) revert NotYourMove();
        if (!g.clock.isOver()) revert StillInTime();
        _end(id, g, !g.clock.claimantToMove);
    }

    /// @inheritdoc IDisputes
    function release(uint256 id) external {
        Game storage g = _games[id];
        Claim storage c = _claims[g.claim];
        if (g.phase == Phase.Over || !c.lost) revert NotYourMove();
        g.phase = Phase.Over;
        --c.liveGames;
        _share(c, g);
        emit GameOver(g.claim, id, false);
    }

    function _end(uint256 id, Game storage g, bool claimantWon) private {
        Claim storage c = _claims[g.claim];
        g.phase = Phase.Over;
        --c.liveGames;
        emit GameOver(g.claim, id, claimantWon);
        if (claimantWon) {
            c.moves -= g.moves;
            credit[c.claimant] += g.bond;
            return;
        }
        c.lost = true;
        c.pot = c.bond / 2;
        burned += c.bond - c.pot;
        _share(c, g);
        emit Settled(g.claim, false);
    }

    /// @dev Pays the bond back with a share of the remaining reward: the part of this game's moves in the
    /// moves not paid yet.
    function _share(Claim storage c, Game storage g) private {
        // The share is at most the pot, which has 96 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint96 share = uint96(uint256(c.pot) * g.moves / c.moves);
        c.pot -= share;
        c.moves -= g.moves;
        credit[g.challenger] += uint256(g.bond) + share;
    }

    /// @dev Extra time of the claimant for its other live games, so that it can play its games one after
    /// another.
    function _extra(uint256 liveGames, uint32 budget) private view returns (uint32) {
        uint256 time = liveGames * EXTENSION;
        // The budget is below 2^31.
        // forge-lint: disable-next-line(unsafe-typecast)
        return time < budget ? uint32(time) : budget;
    }

    // ---------------------------------------------------------------- checks

    function _checkTerms(Claim storage c, Terms calldata terms) private view {
        if (keccak256(abi.encode(terms)) != c.terms) revert NotAsCommitted();
    }

    function _checkSlot(Game storage g, Slot calldata slot) private view {
        if (keccak256(abi.encode(slot)) != g.slotHash) revert NotAsCommitted();
    }

    function _claimantMoves(Game storage g) private view {
        Claim storage c = _claims[g.claim];
        if (c.lost || msg.sender != c.claimant || !g.clock.claimantToMove) revert NotYourMove();
    }

    function _challengerMoves(Game storage g) private {
        Claim storage c = _claims[g.claim];
        if (c.lost || msg.sender != g.challenger || g.clock.claimantToMove) revert NotYourMove();
        ++g.moves;
        ++c.moves;
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IDisputes
    function stands(uint256 id) external view returns (bool) {
        return _claims[id].settled;
    }

    /// @inheritdoc IDisputes
    function claimOf(uint256 id) external view returns (Claim memory) {
        return _claims[id];
    }

    /// @inheritdoc IDisputes
    function claimsOf(uint256[] calldata ids) external view returns (Claim[] memory list) {
        list = new Claim[](ids.length);
        for (uint256 i; i < ids.length; ++i) {
            list[i] = _claims[ids[i]];
        }
    }

    /// @inheritdoc IDisputes
    function gameOf(uint256 id) external view returns (Game memory) {
        return _games[id];
    }

    /// @inheritdoc IDisputes
    function challengeBond(Terms calldata terms) public view returns (uint256) {
        return (maxMoves(terms) + JUDGEMENT) * MOVE_BOND;
    }

    /// @inheritdoc IDisputes
    function claimBond(Terms calldata terms) public view returns (uint256) {
        // Half of it is the challengers' reward, which is as much as two bonds of a challenge.
        return 4 * challengeBond(terms);
    }

    /// @inheritdoc IDisputes
    function maxMoves(Terms calldata terms) public pure returns (uint256) {
        return 2 * (_reveals(terms.steps) + _reveals(terms.slots) + _reveals(MAX_LEAVES)) + 7;
    }

    /// @inheritdoc IDisputes
    function maxSeconds(Terms calldata terms) external view returns (uint256) {
        uint256 budget = uint256(BUDGET) + _repeatSeconds(terms.steps);
        return windowOf(terms.steps) + 3 * budget + maxMoves(terms) * EXTENSION;
    }

    /// @inheritdoc IDisputes
    function windowOf(uint32 steps) public view returns (uint256) {
        return uint256(WINDOW) + _repeatSeconds(steps);
    }

    /// @inheritdoc IDisputes
    function claimCount() external view returns (uint256) {
        return _claims.length;
    }

    /// @dev How long it may take to repeat so many steps.
    function _repeatSeconds(uint32 steps) private view returns (uint32) {
        uint256 time = uint256(steps) * STEP_SECONDS;
        if (steps == 0 || time > MAX_REPEAT_SECONDS) revert BadTerms();
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint32(time);
    }

    /// @dev Number of reveals in a descent of a tree of `size` leaves.
    function _reveals(uint256 size) private pure returns (uint256 count) {
        uint256 levels;
        while (uint256(1) << levels < size) ++levels;
        return (levels + LEVELS - 1) / LEVELS;
    }
}
