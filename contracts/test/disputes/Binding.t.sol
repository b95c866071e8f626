// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {Operators as Op} from "../../src/judge/Operators.sol";
import {DisputesFixture} from "./DisputesFixture.sol";
import {SampleRun} from "./SampleRun.sol";
import {Trees} from "./Trees.sol";

/// @notice The last levels of a game are bound to what was committed: the length of a leaf, the number of
/// chunks of a fold, the accumulator before a chunk, and inputs that lie before the disputed slot.
contract BindingTest is DisputesFixture {
    uint256 private constant STEP = 1;

    /// @dev Puts `tensor` into `slot` of step 1.
    function setTensor(SampleRun.Execution memory s, uint256 slot, bytes memory tensor) private pure {
        SampleRun.Step memory place = s.steps[STEP];
        place.tensors[slot] = tensor;
        place.roots[slot] = SampleRun.tensorRoot(tensor);
        place.leaves[slot] = sha256(bytes.concat(hex"00", place.roots[slot]));
    }

    /// @dev Changes the root after step 1, so that the two sides disagree about that step.
    function changeRoot(SampleRun.Execution memory s) private pure {
        SampleRun.Step memory place = s.steps[STEP];
        place.roots[SampleRun.LAST] ^= bytes32(uint256(1));
        place.leaves[SampleRun.LAST] = sha256(bytes.concat(hex"00", place.roots[SampleRun.LAST]));
        s.stepLeaves[STEP] = place.leaves[SampleRun.LAST];
        s.root = Trees.root(s.stepLeaves);
    }

    function programOf(IDisputes.Slot[] memory slots) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](slots.length);
        for (uint256 i; i < slots.length; ++i) {
            leaves[i] = sha256(bytes.concat(hex"00", abi.encode(slots[i])));
        }
    }

    function playTo(
        uint256 game,
        IDisputes.Phase phase,
        SampleRun.Execution memory claimantRun,
        SampleRun.Execution memory challengerRun
    ) private {
        while (disputes.gameOf(game).phase != phase) {
            assertTrue(playMove(game, claimantRun, challengerRun, 0), "a move");
        }
    }

    /// @dev Plays a game under another program until the challenger has picked an element of SUM's first
    /// leaf.
    function playToPickedElement(
        IDisputes.Slot[] memory slots,
        SampleRun.Execution memory claimantRun,
        SampleRun.Execution memory challengerRun,
        uint32 offset
    ) private returns (uint256 game) {
        bytes32[] memory leaves = programOf(slots);
        terms.program = Trees.root(leaves);
        game = challengeAs(claimRoot(claimantRun.root), CHALLENGER);
        playTo(game, IDisputes.Phase.Slot, claimantRun, challengerRun);
        assertEq(disputes.gameOf(game).slot, SampleRun.SUM, "slot");
        bytes32[] memory proof = Trees.proof(leaves, SampleRun.SUM);
        bytes32 tensor = claimantRun.steps[STEP].roots[SampleRun.SUM];
        IDisputes.Input[] memory none;
        IDisputes.Slot memory slot = slots[SampleRun.SUM];
        bytes memory move = abi.encodeCall(IDisputes.openSlot, (game, terms, slot, proof, tensor, none));
        assertTrue(_send(CLAIMANT, move), "opened");
        playTo(game, IDisputes.Phase.Element, claimantRun, challengerRun);
        bytes memory data =
            Trees.leafData(claimantRun.steps[STEP].tensors[SampleRun.SUM], disputes.gameOf(game).first);
        move = abi.encodeCall(IDisputes.pickElement, (game, slot, offset, data));
        assertTrue(_send(CHALLENGER, move), "picked");
    }

    // ------------------------------------------------------------ leaves

    /// @dev A claimant commits to a tensor without its last word, so that nobody could pick it. It then has
    /// no leaf to open.
    function test_openLeaf_revertsIfLeafIsTooShort() external {
        SampleRun.Execution memory faulty = honestExecution();
        bytes memory tensor = faulty.steps[STEP].tensors[SampleRun.SUM];
        assembly ("memory-safe") {
            mstore(tensor, sub(mload(tensor), 4))
        }
        setTensor(faulty, SampleRun.SUM, tensor);
        changeRoot(faulty);
        uint256 game = challengeAs(claimRoot(faulty.root), CHALLENGER);
        playTo(game, IDisputes.Phase.Leaf, faulty, honestExecution());
        assertEq(disputes.gameOf(game).first, 1, "leaf");
        assertFalse(
            _send(CLAIMANT, abi.encodeCall(IDisputes.openLeaf, (game, Trees.leafData(tensor, 1)))),
            "the move reverts"
        );
        playOut(game, faulty, honestExecution(), 0);
        assertTrue(disputes.claimOf(0).lost, "lost on time");
    }

    // ------------------------------------------------------------ trees

    function test_reveal_revertsIfNodeCountIsWrong() external {
        SampleRun.Execution memory claimantRun = honestExecution();
        uint256 game = challengeAs(claimRoot(claimantRun.root), CHALLENGER);
        bytes32[] memory nodes = new bytes32[](SampleRun.STEPS + 1);
        for (uint256 i; i < SampleRun.STEPS; ++i) {
            nodes[i] = claimantRun.stepLeaves[i];
        }
        assertFalse(_send(CLAIMANT, abi.encodeCall(IDisputes.reveal, (game, nodes))), "one node too many");
        assembly ("memory-safe") {
            mstore(nodes, sub(mload(nodes), 1))
        }
        assertTrue(_send(CLAIMANT, abi.encodeCall(IDisputes.reveal, (game, nodes))), "the nodes of the tree");
    }

    /// @dev The claimant shows a trace of one leaf, the claimed root. With an empty proof that root is the
    /// last leaf of a tree of one leaf, but not of a tree of nine.
    function test_openStep_revertsIfProofIsTooShort() external {
        SampleRun.Execution memory claimantRun = honestExecution();
        uint256 game = challengeAs(claimRoot(claimantRun.root), CHALLENGER);
        playTo(
            game,
            IDisputes.Phase.Step,
            claimantRun,
            SampleRun.execute(SampleRun.Fault(0, SampleRun.X, 0, 0x00400000))
        );
        bytes32[] memory none;
        bytes32 afterwards = claimantRun.steps[0].roots[SampleRun.LAST];
        bytes32 trace = claimantRun.stepLeaves[0];
        bytes memory move =
            abi.encodeCall(IDisputes.openStep, (game, terms, afterwards, terms.initial, none, trace, none));
        assertFalse(_send(CLAIMANT, move), "the move reverts");
    }

    // ------------------------------------------------------------ folds

    /// @dev The claimed element is the accumulator after the first chunk. That chunk alone would be correct.
    function test_judge_claimLosesIfChunksAreMissing() external {
        SampleRun.Execution memory faulty = honestExecution();
        IDisputes.Slot memory slot = SampleRun.slots()[SampleRun.NORM];
        uint32[] memory whole = SampleRun.accumulators(faulty.steps[STEP], slot, 0);
        uint32[] memory part = new uint32[](1);
        part[0] = whole[0];
        bytes memory tensor = new bytes(4);
        SampleRun.set(tensor, 0, part[0]);
        setTensor(faulty, SampleRun.NORM, tensor);
        changeRoot(faulty);
        uint256 game = challengeAs(claimRoot(faulty.root), CHALLENGER);
        playTo(game, IDisputes.Phase.Fold, faulty, honestExecution());
        assertTrue(
            _send(CLAIMANT, abi.encodeCall(IDisputes.postFold, (game, slot, part))),
            "the accumulators give the element"
        );
        assertTrue(_send(CHALLENGER, abi.encodeCall(IDisputes.pickChunk, (game, 0, part))), "picked");
        assertTrue(playMove(game, faulty, honestExecution(), 0), "judged");
        assertTrue(disputes.claimOf(0).lost, "the claim is lost");
    }

    function test_postFold_revertsIfTooManyChunks() external {
        SampleRun.Execution memory claimantRun = honestExecution();
        IDisputes.Slot memory slot = SampleRun.slots()[SampleRun.NORM];
        SampleRun.Execution memory challengerRun =
            SampleRun.execute(SampleRun.Fault(STEP, SampleRun.NORM, 0, 0x00400000));
        uint256 game = challengeAs(claimRoot(claimantRun.root), CHALLENGER);
        playTo(game, IDisputes.Phase.Fold, claimantRun, challengerRun);
        uint32[] memory list = new uint32[](18);
        list[0] = disputes.gameOf(game).value;
        assertFalse(
            _send(CLAIMANT, abi.encodeCall(IDisputes.postFold, (game, slot, list))),
            "18 chunks: 1,030 elements have 17 blocks of 64"
        );
        assembly ("memory-safe") {
            mstore(list, 17)
        }
        assertTrue(_send(CLAIMANT, abi.encodeCall(IDisputes.postFold, (game, slot, list))), "17 chunks");
        list[0] ^= 1;
        assertFalse(
            _send(CHALLENGER, abi.encodeCall(IDisputes.pickChunk, (game, 1, list))),
            "other accumulators than were posted"
        );
    }

    function setEmbedGrad(IDisputes.Slot memory slot) private pure {
        slot.node.op = uint32(Op.EMBED_GRAD);
        slot.node.attributes = new uint32[](3);
        slot.node.attributes[0] = SampleRun.LENGTH;
        slot.node.attributes[1] = SampleRun.LENGTH;
        slot.node.attributes[2] = 1;
        slot.inputs[0] = uint32(SampleRun.T);
        slot.inputs[1] = uint32(SampleRun.W);
    }

    /// @dev In embed.grad a block has four chunks, so chunk 1 continues from chunk 0. All ids are 0, so row 0
    /// has every term.
    function test_pickChunk_continuesFromPreviousChunk() external {
        SampleRun.Execution memory claimantRun = honestExecution();
        setTensor(claimantRun, SampleRun.T, new bytes(4 * SampleRun.LENGTH));
        IDisputes.Slot[] memory slots = SampleRun.slots();
        setEmbedGrad(slots[SampleRun.SUM]);
        slots[SampleRun.T].name = abi.encodePacked(claimantRun.steps[STEP].roots[SampleRun.T]);
        uint32[] memory sums = SampleRun.accumulators(claimantRun.steps[STEP], slots[SampleRun.SUM], 0);
        assertEq(sums.length, 65, "chunks of 16 terms");
        bytes memory tensor = new bytes(4 * SampleRun.LENGTH);
        SampleRun.set(tensor, 0, judgeOfDisputes().total(Op.EMBED_GRAD, sums));
        setTensor(claimantRun, SampleRun.SUM, tensor);
        changeRoot(claimantRun);
        SampleRun.Execution memory challengerRun = honestExecution();
        setTensor(challengerRun, SampleRun.T, new bytes(4 * SampleRun.LENGTH));
        uint256 game = playToPickedElement(slots, claimantRun, challengerRun, 0);
        IDisputes.Slot memory slot = slots[SampleRun.SUM];
        assertTrue(_send(CLAIMANT, abi.encodeCall(IDisputes.postFold, (game, slot, sums))), "posted");
        assertFalse(
            _send(CHALLENGER, abi.encodeCall(IDisputes.pickChunk, (game, 65, sums))),
            "chunk 65 does not exist"
        );
        assertTrue(_send(CHALLENGER, abi.encodeCall(IDisputes.pickChunk, (game, 1, sums))), "picked");
        assertEq(disputes.gameOf(game).accumulatorBefore, sums[0], "accumulator before");
        assertEq(disputes.gameOf(game).accumulatorAfter, sums[1], "accumulator after");
        assertTrue(_judged(game, claimantRun, slot), "judged");
        assertFalse(disputes.claimOf(0).lost, "the claimant wins");
    }

    function _judged(uint256 game, SampleRun.Execution memory claimantRun, IDisputes.Slot memory slot)
        private
        returns (bool)
    {
        IDisputes.Input[] memory inputs = inputsOf(claimantRun.steps[STEP], slot);
        IDisputes.Opening[] memory openings = openingsOf(claimantRun.steps[STEP], slot);
        return _send(CLAIMANT, abi.encodeCall(IDisputes.judge, (game, terms, slot, inputs, openings)));
    }

    // ------------------------------------------------------------ order

    /// @dev A program may name an input after the disputed slot. Nobody has conceded that tensor, so the
    /// judge refuses it.
    function test_judge_revertsIfOperandIsNotBeforeSlot() external {
        SampleRun.Execution memory claimantRun = honestExecution();
        IDisputes.Slot[] memory slots = SampleRun.slots();
        slots[SampleRun.SUM].inputs[1] = uint32(SampleRun.NEXT);
        setTensor(claimantRun, SampleRun.SUM, claimantRun.steps[STEP].tensors[SampleRun.NEXT]);
        changeRoot(claimantRun);
        uint256 game = playToPickedElement(slots, claimantRun, honestExecution(), 0);
        assertFalse(_judged(game, claimantRun, slots[SampleRun.SUM]), "input after the slot");
        slots[SampleRun.SUM].inputs[1] = uint32(SampleRun.X);
        assertFalse(_judged(game, claimantRun, slots[SampleRun.SUM]), "another slot");
    }

    // ------------------------------------------------------------ time

    /// @dev No game is judged and no slot is opened once the claimant is out of time, whoever calls.
    function test_judgeAndOpenSlot_revertIfOutOfTime() external {
        SampleRun.Execution memory claimantRun = honestExecution();
        SampleRun.Execution memory challengerRun =
            SampleRun.execute(SampleRun.Fault(STEP, SampleRun.SUM, 0, 0x00400000));
        uint256 game = challengeAs(claimRoot(claimantRun.root), CHALLENGER);
        playTo(game, IDisputes.Phase.Judge, claimantRun, challengerRun);
        uint256 other = challengeAs(0, OTHER_CHALLENGER);
        SampleRun.Execution memory wrongBatch = SampleRun.execute(SampleRun.Fault(STEP, SampleRun.X, 0, 1));
        while (disputes.gameOf(other).phase != IDisputes.Phase.Slot) {
            IDisputes.Game memory g = disputes.gameOf(other);
            bool moved = g.clock.claimantToMove
                ? claimantMoves(other, g, claimantRun)
                : challengerMoves(other, g, claimantRun, wrongBatch, 0);
            assertTrue(moved, "a move");
        }
        vm.warp(block.timestamp + 2 * BUDGET + 1);
        assertFalse(claimantMoves(game, disputes.gameOf(game), claimantRun), "judge is too late");
        assertFalse(claimantMoves(other, disputes.gameOf(other), claimantRun), "openSlot is too late");
        disputes.timeout(game);
        assertTrue(disputes.claimOf(0).lost, "lost on time");
        IDisputes.Game memory late = disputes.gameOf(other);
        assertFalse(claimantMoves(other, late, claimantRun), "no move after the claim is lost");
    }

    /// @dev Judging a game of a lost claim would pay a second reward.
    function test_judge_revertsIfClaimIsLost() external {
        SampleRun.Execution memory faulty =
            SampleRun.execute(SampleRun.Fault(STEP, SampleRun.SUM, 0, 0x00400000));
        uint256 id = claimRoot(faulty.root);
        uint256 first = challengeAs(id, CHALLENGER);
        uint256 second = challengeAs(id, OTHER_CHALLENGER);
        playTo(first, IDisputes.Phase.Judge, faulty, honestExecution());
        playTo(second, IDisputes.Phase.Judge, faulty, honestExecution());
        assertTrue(playMove(first, faulty, honestExecution(), 0), "judged");
        assertTrue(disputes.claimOf(id).lost, "the claim is lost");
        uint256 burned = disputes.burned();
        assertFalse(playMove(second, faulty, honestExecution(), 0), "the second game is not judged");
        assertEq(disputes.burned(), burned, "nothing more is burned");
        disputes.release(second);
        assertEq(
            address(disputes).balance,
            burned + disputes.credit(CHALLENGER) + disputes.credit(OTHER_CHALLENGER),
            "the balance is what is burned and credited"
        );
    }
}
