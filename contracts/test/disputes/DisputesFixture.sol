// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {IJudge} from "../../src/judge/IJudge.sol";
import {Leaf, Operands} from "../../src/judge/Operands.sol";
import {Test} from "../Test.sol";
import {SampleRun} from "./SampleRun.sol";
import {Trees} from "./Trees.sol";

/// @notice Deploys Disputes and plays games on it. Each player makes the best move that its own execution
/// allows.
abstract contract DisputesFixture is Test {
    uint32 internal constant STEP_SECONDS = 10 minutes;
    /// @dev Of claims about the sample run, and of games about them. The deployment has less, and adds
    /// `STEP_SECONDS` for each of the run's steps.
    uint32 internal constant WINDOW = 1 hours;
    uint32 internal constant BUDGET = 2 hours;
    uint32 internal constant EXTENSION = 10 minutes;

    address internal constant CLAIMANT = address(0xC1A1);
    address internal constant CHALLENGER = address(0xC4A1);
    address internal constant OTHER_CHALLENGER = address(0xF41E);

    IDisputes internal disputes;
    IDisputes.Terms internal terms;

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        address judge = vm.deployCode("Judge.sol:Judge");
        terms = SampleRun.terms();
        uint32 repeat = terms.steps * STEP_SECONDS;
        disputes = IDisputes(
            vm.deployCode(
                "Disputes.sol:Disputes",
                abi.encode(
                    judge, WINDOW - repeat, STEP_SECONDS, BUDGET - repeat, EXTENSION, uint96(0.001 ether)
                )
            )
        );
        vm.deal(CLAIMANT, 100 ether);
        vm.deal(CHALLENGER, 100 ether);
        vm.deal(OTHER_CHALLENGER, 100 ether);
    }

    function honestExecution() internal pure returns (SampleRun.Execution memory) {
        return SampleRun.execute(SampleRun.Fault(0, 0, 0, 0));
    }

    function claimRoot(bytes32 root) internal returns (uint256) {
        uint256 bond = disputes.claimBond(terms);
        vm.prank(CLAIMANT);
        return disputes.claim{value: bond}(terms, root);
    }

    function challengeAs(uint256 id, address who) internal returns (uint256) {
        uint256 bond = disputes.challengeBond(terms);
        vm.prank(who);
        return disputes.challenge{value: bond}(id, terms);
    }

    // ------------------------------------------------------------ the players

    /// @dev Plays a game to its end. A player without a move loses on time. With `seed` 0 the challenger
    /// picks the first difference from its own execution; with any other seed it picks at random.
    function playOut(
        uint256 id,
        SampleRun.Execution memory claimantRun,
        SampleRun.Execution memory challengerRun,
        uint256 seed
    ) internal {
        for (uint256 moves; !isOver(id); ++moves) {
            assertLe(moves, disputes.maxMoves(terms), "no more than maxMoves");
            if (!playMove(
                    id,
                    claimantRun,
                    challengerRun,
                    seed == 0 ? 0 : uint256(keccak256(abi.encode(seed, moves)))
                )) {
                vm.warp(block.timestamp + 30 days);
                disputes.timeout(id);
            }
        }
    }

    function isOver(uint256 id) internal view returns (bool) {
        return disputes.gameOf(id).phase == IDisputes.Phase.Over;
    }

    /// @dev Makes one move for the side to move. Returns false if the contract accepts none.
    function playMove(
        uint256 id,
        SampleRun.Execution memory claimantRun,
        SampleRun.Execution memory challengerRun,
        uint256 seed
    ) internal returns (bool) {
        IDisputes.Game memory g = disputes.gameOf(id);
        if (g.clock.claimantToMove) return claimantMoves(id, g, claimantRun);
        return challengerMoves(id, g, claimantRun, challengerRun, seed);
    }

    function treeOf(IDisputes.Game memory g, SampleRun.Execution memory s)
        internal
        pure
        returns (bytes32[] memory)
    {
        if (g.phase == IDisputes.Phase.Steps) return s.stepLeaves;
        if (g.phase == IDisputes.Phase.Slots) return s.steps[g.step].leaves;
        return Trees.tensorLeaves(s.steps[g.step].tensors[g.slot]);
    }

    function claimantMoves(uint256 id, IDisputes.Game memory g, SampleRun.Execution memory claimantRun)
        internal
        returns (bool)
    {
        SampleRun.Step memory place = claimantRun.steps[g.step];
        IDisputes.Slot memory slot = SampleRun.slots()[g.slot];
        bytes memory move;
        if (
            g.phase == IDisputes.Phase.Steps || g.phase == IDisputes.Phase.Slots
                || g.phase == IDisputes.Phase.Leaves
        ) {
            move = abi.encodeCall(
                IDisputes.reveal, (id, Trees.frontier(treeOf(g, claimantRun), g.first, g.size, 4))
            );
        } else if (g.phase == IDisputes.Phase.Step) {
            move = _openStep(id, g, claimantRun, place);
        } else if (g.phase == IDisputes.Phase.Slot) {
            move = _openSlot(id, g, place, slot);
        } else if (g.phase == IDisputes.Phase.Leaf) {
            move = abi.encodeCall(IDisputes.openLeaf, (id, Trees.leafData(place.tensors[g.slot], g.first)));
        } else if (g.phase == IDisputes.Phase.Fold) {
            move = abi.encodeCall(IDisputes.postFold, (id, slot, _fold(place, slot, g)));
        } else {
            move = _judge(id, place, slot);
        }
        return _send(disputes.claimOf(g.claim).claimant, move);
    }

    /// @dev The accumulators that the claimant posts. They must give the claimed element, so a claimant whose
    /// true accumulators do not posts the element itself and zeros.
    function _fold(SampleRun.Step memory place, IDisputes.Slot memory slot, IDisputes.Game memory g)
        private
        view
        returns (uint32[] memory list)
    {
        list = SampleRun.accumulators(place, slot, g.element);
        if (list.length == 1) list[0] = g.value;
        IJudge judge = judgeOfDisputes();
        if (judge.total(slot.node.op, list) == g.value) return list;
        for (uint256 i; i < list.length; ++i) {
            list[i] = 0;
        }
        list[0] = g.value;
    }

    function judgeOfDisputes() internal view returns (IJudge) {
        (, bytes memory out) = address(disputes).staticcall(abi.encodeWithSignature("JUDGE()"));
        return abi.decode(out, (IJudge));
    }

    function _openStep(
        uint256 id,
        IDisputes.Game memory g,
        SampleRun.Execution memory claimantRun,
        SampleRun.Step memory place
    ) private view returns (bytes memory) {
        bytes32[] memory beforeProof;
        if (g.step > 0) beforeProof = Trees.proof(claimantRun.stepLeaves, g.step - 1);
        return abi.encodeCall(
            IDisputes.openStep,
            (
                id,
                terms,
                place.roots[SampleRun.LAST],
                place.before,
                beforeProof,
                Trees.root(place.leaves),
                Trees.proof(place.leaves, SampleRun.LAST)
            )
        );
    }

    function _openSlot(
        uint256 id,
        IDisputes.Game memory g,
        SampleRun.Step memory place,
        IDisputes.Slot memory slot
    ) private view returns (bytes memory) {
        IDisputes.Input[] memory inputs;
        if (slot.kind == IDisputes.Kind.Compose) {
            inputs = inputsOf(place, slot);
        } else {
            inputs = new IDisputes.Input[](1);
            if (slot.kind == IDisputes.Kind.State) {
                inputs[0].proof = new bytes32[](1);
                inputs[0].proof[0] = SampleRun.metadata(g.step);
            } else if (slot.kind == IDisputes.Kind.Data) {
                inputs[0].proof = Trees.proof(SampleRun.dataLeaves(), 2 * g.step + slot.place);
            }
        }
        bytes32[] memory proof = Trees.proof(SampleRun.slotLeaves(), g.slot);
        return abi.encodeCall(IDisputes.openSlot, (id, terms, slot, proof, place.roots[g.slot], inputs));
    }

    function inputsOf(SampleRun.Step memory place, IDisputes.Slot memory slot)
        internal
        pure
        returns (IDisputes.Input[] memory inputs)
    {
        inputs = new IDisputes.Input[](slot.inputs.length);
        for (uint256 i; i < inputs.length; ++i) {
            inputs[i] =
                IDisputes.Input(place.roots[slot.inputs[i]], Trees.proof(place.leaves, slot.inputs[i]));
        }
    }

    /// @dev Opens every leaf of every input. SampleRun has few.
    function openingsOf(SampleRun.Step memory place, IDisputes.Slot memory slot)
        internal
        pure
        returns (IDisputes.Opening[] memory list)
    {
        uint256 count;
        list = new IDisputes.Opening[](16);
        for (uint256 i; i < slot.inputs.length; ++i) {
            bytes memory data = place.tensors[slot.inputs[i]];
            bytes32[] memory leaves = Trees.tensorLeaves(data);
            for (uint256 j; j < leaves.length; ++j) {
                list[count++] = IDisputes.Opening(
                    Leaf(uint32(i), uint32(j), Trees.leafData(data, j)), Trees.proof(leaves, j)
                );
            }
        }
        assembly ("memory-safe") {
            mstore(list, count)
        }
    }

    function _judge(uint256 id, SampleRun.Step memory place, IDisputes.Slot memory slot)
        private
        view
        returns (bytes memory)
    {
        return abi.encodeCall(
            IDisputes.judge, (id, terms, slot, inputsOf(place, slot), openingsOf(place, slot))
        );
    }

    function challengerMoves(
        uint256 id,
        IDisputes.Game memory g,
        SampleRun.Execution memory claimantRun,
        SampleRun.Execution memory challengerRun,
        uint256 seed
    ) internal returns (bool) {
        IDisputes.Slot memory slot = SampleRun.slots()[g.slot];
        if (g.phase == IDisputes.Phase.Element) {
            return _pickElement(id, g, slot, claimantRun.steps[g.step], challengerRun.steps[g.step], seed);
        }
        if (g.phase == IDisputes.Phase.Chunk) {
            return _pickChunk(id, g, slot, claimantRun, challengerRun, seed);
        }
        bytes32[] memory revealed = Trees.frontier(treeOf(g, claimantRun), g.first, g.size, 4);
        bytes32[] memory computed = Trees.frontier(treeOf(g, challengerRun), g.first, g.size, 4);
        uint256 index = seed % revealed.length;
        if (seed == 0) while (index < revealed.length - 1 && revealed[index] == computed[index]) ++index;
        return _send(g.challenger, abi.encodeCall(IDisputes.pick, (id, index, revealed)));
    }

    function _pickElement(
        uint256 id,
        IDisputes.Game memory g,
        IDisputes.Slot memory slot,
        SampleRun.Step memory claimantStep,
        SampleRun.Step memory challengerStep,
        uint256 seed
    ) private returns (bool) {
        bytes memory revealed = Trees.leafData(claimantStep.tensors[g.slot], g.first);
        bytes memory computed = Trees.leafData(challengerStep.tensors[g.slot], g.first);
        uint256 offset = seed % (revealed.length / 4);
        if (seed == 0) {
            while (
                offset < revealed.length / 4 - 1
                    && Operands.wordIn(revealed, offset) == Operands.wordIn(computed, offset)
            ) {
                ++offset;
            }
        }
        bytes memory move = abi.encodeCall(IDisputes.pickElement, (id, slot, uint32(offset), revealed));
        return _send(g.challenger, move);
    }

    function _pickChunk(
        uint256 id,
        IDisputes.Game memory g,
        IDisputes.Slot memory slot,
        SampleRun.Execution memory claimantRun,
        SampleRun.Execution memory challengerRun,
        uint256 seed
    ) private returns (bool) {
        uint32[] memory posted = _fold(claimantRun.steps[g.step], slot, g);
        uint32[] memory computed = SampleRun.accumulators(challengerRun.steps[g.step], slot, g.element);
        uint256 chunk = seed % posted.length;
        if (seed == 0) while (chunk < posted.length - 1 && posted[chunk] == computed[chunk]) ++chunk;
        return _send(g.challenger, abi.encodeCall(IDisputes.pickChunk, (id, uint32(chunk), posted)));
    }

    function _send(address from, bytes memory move) internal returns (bool sent) {
        vm.prank(from);
        (sent,) = address(disputes).call(move);
    }
}
