// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {Operators as Op} from "../../src/judge/Operators.sol";
import {Game} from "./Game.sol";
import {Trees} from "./Trees.sol";
import {World} from "./World.sol";

/// @notice The last levels: a leaf of the right length, a fold of the right number of chunks, a chunk that goes on from the one before,
/// and inputs that come before what is made of them.
contract BindingTest is Game {
    bool public constant IS_TEST = true;

    uint256 private constant STEP = 1;

    /// @dev What one party says of step 1 once `tensor` stands in `slot`, and the root after the step differs from the truth.
    function saying(World.State memory s, uint256 slot, bytes memory tensor) private pure {
        World.Step memory place = s.steps[STEP];
        place.tensors[slot] = tensor;
        place.roots[slot] = World.tensorRoot(tensor);
        place.leaves[slot] = sha256(bytes.concat(hex"00", place.roots[slot]));
    }

    function otherwise(World.State memory s) private pure {
        World.Step memory place = s.steps[STEP];
        place.roots[World.LAST] ^= bytes32(uint256(1));
        place.leaves[World.LAST] = sha256(bytes.concat(hex"00", place.roots[World.LAST]));
        s.stepLeaves[STEP] = place.leaves[World.LAST];
        s.root = Trees.root(s.stepLeaves);
    }

    function programOf(IDisputes.Slot[] memory slots) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](slots.length);
        for (uint256 i; i < slots.length; ++i) {
            leaves[i] = sha256(bytes.concat(hex"00", abi.encode(slots[i])));
        }
    }

    function until(uint256 game, IDisputes.Phase phase, World.State memory said, World.State memory theirs)
        private
    {
        while (disputes.gameOf(game).phase != phase) {
            yes(step(game, said, theirs, 0), "a move");
        }
    }

    /// @dev Plays a game under another program to where an element of SUM's first leaf is named.
    function named(
        IDisputes.Slot[] memory slots,
        World.State memory said,
        World.State memory theirs,
        uint32 offset
    ) private returns (uint256 game) {
        bytes32[] memory leaves = programOf(slots);
        terms.program = Trees.root(leaves);
        game = challenged(claimed(said.root), CHALLENGER);
        until(game, IDisputes.Phase.Slot, said, theirs);
        eq(disputes.gameOf(game).slot, World.SUM, "the slot");
        bytes32[] memory proof = Trees.proof(leaves, World.SUM);
        bytes32 tensor = said.steps[STEP].roots[World.SUM];
        IDisputes.Input[] memory none;
        IDisputes.Slot memory slot = slots[World.SUM];
        bytes memory move = abi.encodeCall(IDisputes.openSlot, (game, terms, slot, proof, tensor, none));
        yes(_send(CLAIMANT, move), "opened");
        until(game, IDisputes.Phase.Element, said, theirs);
        bytes memory data = Trees.piece(said.steps[STEP].tensors[World.SUM], disputes.gameOf(game).first);
        move = abi.encodeCall(IDisputes.pickElement, (game, slot, offset, data));
        yes(_send(CHALLENGER, move), "named");
    }

    // ------------------------------------------------------------ leaves

    /// @dev A liar that leaves out the last word of a tensor, so that it cannot be named, has no leaf to show.
    function test_aLeafHasTheLengthItHasThere() external {
        World.State memory lie = honest();
        bytes memory tensor = lie.steps[STEP].tensors[World.SUM];
        assembly ("memory-safe") {
            mstore(tensor, sub(mload(tensor), 4))
        }
        saying(lie, World.SUM, tensor);
        otherwise(lie);
        uint256 game = challenged(claimed(lie.root), CHALLENGER);
        until(game, IDisputes.Phase.Leaf, lie, honest());
        eq(disputes.gameOf(game).first, 1, "the last leaf");
        no(_send(CLAIMANT, abi.encodeCall(IDisputes.openLeaf, (game, Trees.piece(tensor, 1)))), "refused");
        playOut(game, lie, honest(), 0);
        yes(disputes.claimOf(0).lost, "lost on time");
    }

    // ------------------------------------------------------------ trees

    function test_aFrontierHasTheNodesOfItsTree() external {
        World.State memory said = honest();
        uint256 game = challenged(claimed(said.root), CHALLENGER);
        bytes32[] memory nodes = new bytes32[](World.STEPS + 1);
        for (uint256 i; i < World.STEPS; ++i) {
            nodes[i] = said.stepLeaves[i];
        }
        no(_send(CLAIMANT, abi.encodeCall(IDisputes.reveal, (game, nodes))), "one too many");
        assembly ("memory-safe") {
            mstore(nodes, sub(mload(nodes), 1))
        }
        yes(_send(CLAIMANT, abi.encodeCall(IDisputes.reveal, (game, nodes))), "all of them");
    }

    /// @dev A trace of one leaf, which is the claimed root, has that root for its last leaf, but not for the last of nine.
    function test_aProofHasTheLengthOfItsPath() external {
        World.State memory said = honest();
        uint256 game = challenged(claimed(said.root), CHALLENGER);
        until(game, IDisputes.Phase.Step, said, World.run(World.Lie(0, World.X, 0, 0x00400000)));
        bytes32[] memory none;
        bytes32 afterwards = said.steps[0].roots[World.LAST];
        bytes32 trace = said.stepLeaves[0];
        bytes memory move =
            abi.encodeCall(IDisputes.openStep, (game, terms, afterwards, terms.initial, none, trace, none));
        no(_send(CLAIMANT, move), "refused");
    }

    // ------------------------------------------------------------ folds

    /// @dev The sum of the first chunk alone is right as far as it goes.
    function test_aFoldHasAllItsChunks() external {
        World.State memory lie = honest();
        IDisputes.Slot memory slot = World.slots()[World.NORM];
        uint32[] memory whole = World.accumulators(lie.steps[STEP], slot, 0);
        uint32[] memory part = new uint32[](1);
        part[0] = whole[0];
        bytes memory tensor = new bytes(4);
        World.set(tensor, 0, part[0]);
        saying(lie, World.NORM, tensor);
        otherwise(lie);
        uint256 game = challenged(claimed(lie.root), CHALLENGER);
        until(game, IDisputes.Phase.Fold, lie, honest());
        yes(
            _send(CLAIMANT, abi.encodeCall(IDisputes.postFold, (game, slot, part))), "it comes to the element"
        );
        yes(_send(CHALLENGER, abi.encodeCall(IDisputes.pickChunk, (game, 0, part))), "picked");
        yes(step(game, lie, honest(), 0), "judged");
        yes(disputes.claimOf(0).lost, "too few chunks");
    }

    function test_aFoldHasNoMoreChunksThanItCanHave() external {
        World.State memory said = honest();
        IDisputes.Slot memory slot = World.slots()[World.NORM];
        World.State memory theirs = World.run(World.Lie(STEP, World.NORM, 0, 0x00400000));
        uint256 game = challenged(claimed(said.root), CHALLENGER);
        until(game, IDisputes.Phase.Fold, said, theirs);
        uint32[] memory list = new uint32[](18);
        list[0] = disputes.gameOf(game).value;
        no(
            _send(CLAIMANT, abi.encodeCall(IDisputes.postFold, (game, slot, list))),
            "17 blocks of 64 in 1,030"
        );
        assembly ("memory-safe") {
            mstore(list, 17)
        }
        yes(_send(CLAIMANT, abi.encodeCall(IDisputes.postFold, (game, slot, list))), "17");
        list[0] ^= 1;
        no(_send(CHALLENGER, abi.encodeCall(IDisputes.pickChunk, (game, 1, list))), "not what was posted");
    }

    function isEmbedGrad(IDisputes.Slot memory slot) private pure {
        slot.node.op = uint32(Op.EMBED_GRAD);
        slot.node.attributes = new uint32[](3);
        slot.node.attributes[0] = World.LENGTH;
        slot.node.attributes[1] = World.LENGTH;
        slot.node.attributes[2] = 1;
        slot.inputs[0] = uint32(World.T);
        slot.inputs[1] = uint32(World.W);
    }

    /// @dev A sum whose chunks are parts of a block: chunk 1 goes on from chunk 0. The ids are all 0, so row 0 has every term.
    function test_aChunkGoesOnFromTheOneBefore() external {
        World.State memory said = honest();
        saying(said, World.T, new bytes(4 * World.LENGTH));
        IDisputes.Slot[] memory slots = World.slots();
        isEmbedGrad(slots[World.SUM]);
        slots[World.T].name = abi.encodePacked(said.steps[STEP].roots[World.T]);
        uint32[] memory sums = World.accumulators(said.steps[STEP], slots[World.SUM], 0);
        eq(sums.length, 65, "chunks of 16");
        bytes memory tensor = new bytes(4 * World.LENGTH);
        World.set(tensor, 0, judgeOfDisputes().total(Op.EMBED_GRAD, sums));
        saying(said, World.SUM, tensor);
        otherwise(said);
        World.State memory theirs = honest();
        saying(theirs, World.T, new bytes(4 * World.LENGTH));
        uint256 game = named(slots, said, theirs, 0);
        IDisputes.Slot memory slot = slots[World.SUM];
        yes(_send(CLAIMANT, abi.encodeCall(IDisputes.postFold, (game, slot, sums))), "posted");
        no(_send(CHALLENGER, abi.encodeCall(IDisputes.pickChunk, (game, 65, sums))), "no such chunk");
        yes(_send(CHALLENGER, abi.encodeCall(IDisputes.pickChunk, (game, 1, sums))), "picked");
        eq(disputes.gameOf(game).accumulatorBefore, sums[0], "before");
        eq(disputes.gameOf(game).accumulatorAfter, sums[1], "after");
        yes(_judged(game, said, slot), "judged");
        no(disputes.claimOf(0).lost, "and right");
    }

    function _judged(uint256 game, World.State memory said, IDisputes.Slot memory slot)
        private
        returns (bool)
    {
        IDisputes.Input[] memory inputs = inputsOf(said.steps[STEP], slot);
        IDisputes.Opening[] memory openings = openingsOf(said.steps[STEP], slot);
        return _send(CLAIMANT, abi.encodeCall(IDisputes.judge, (game, terms, slot, inputs, openings)));
    }

    // ------------------------------------------------------------ order

    /// @dev Under a program that takes what comes later, nothing later than the disputed slot is an operand: nobody conceded it.
    function test_operandsComeBeforeTheDisputedSlot() external {
        World.State memory said = honest();
        IDisputes.Slot[] memory slots = World.slots();
        slots[World.SUM].inputs[1] = uint32(World.NEXT);
        saying(said, World.SUM, said.steps[STEP].tensors[World.NEXT]);
        otherwise(said);
        uint256 game = named(slots, said, honest(), 0);
        no(_judged(game, said, slots[World.SUM]), "refused");
        slots[World.SUM].inputs[1] = uint32(World.X);
        no(_judged(game, said, slots[World.SUM]), "and no other slot will do");
    }

    // ------------------------------------------------------------ time

    /// @dev Nothing is judged or opened after the time for it, even by somebody else.
    function test_theLastMovesHaveTheirTimeToo() external {
        World.State memory said = honest();
        World.State memory theirs = World.run(World.Lie(STEP, World.SUM, 0, 0x00400000));
        uint256 game = challenged(claimed(said.root), CHALLENGER);
        until(game, IDisputes.Phase.Judge, said, theirs);
        uint256 other = challenged(0, FRIEND);
        World.State memory wrongBatch = World.run(World.Lie(STEP, World.X, 0, 1));
        while (disputes.gameOf(other).phase != IDisputes.Phase.Slot) {
            IDisputes.Game memory g = disputes.gameOf(other);
            bool moved = g.clock.claimantToMove
                ? claimantMoves(other, g, said)
                : challengerMoves(other, g, said, wrongBatch, 0);
            yes(moved, "a move");
        }
        vm.warp(block.timestamp + 2 * BUDGET + 1);
        no(claimantMoves(game, disputes.gameOf(game), said), "too late to be judged");
        no(claimantMoves(other, disputes.gameOf(other), said), "too late to be shown");
        disputes.timeout(game);
        yes(disputes.claimOf(0).lost, "lost on time");
        IDisputes.Game memory late = disputes.gameOf(other);
        no(claimantMoves(other, late, said), "and over");
    }

    /// @dev What is judged of a lost claim would pay a second reward.
    function test_nothingIsJudgedOfALostClaim() external {
        World.State memory lie = World.run(World.Lie(STEP, World.SUM, 0, 0x00400000));
        uint256 id = claimed(lie.root);
        uint256 first = challenged(id, CHALLENGER);
        uint256 second = challenged(id, FRIEND);
        until(first, IDisputes.Phase.Judge, lie, honest());
        until(second, IDisputes.Phase.Judge, lie, honest());
        yes(step(first, lie, honest(), 0), "judged");
        yes(disputes.claimOf(id).lost, "lost");
        uint256 burned = disputes.burned();
        no(step(second, lie, honest(), 0), "not again");
        eq(disputes.burned(), burned, "nor burned");
        disputes.release(second);
        eq(address(disputes).balance, burned + disputes.credit(CHALLENGER) + disputes.credit(FRIEND), "all");
    }
}
