// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IHandoffs} from "../../src/IHandoffs.sol";
import {IHopShares} from "../../src/IHopShares.sol";
import {IPayments} from "../../src/IPayments.sol";
import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {MerkleSha256 as Merkle} from "../../src/disputes/MerkleSha256.sol";
import {Signing} from "../Signing.sol";
import {DisputesFixture} from "../disputes/DisputesFixture.sol";
import {SampleRun} from "../disputes/SampleRun.sol";
import {Trees} from "../disputes/Trees.sol";

/// @notice The sample run in two hops. The first computes the sum, its norm and the scale (slots 4 to 6), the
/// second the weights after the step (slot 7).
abstract contract HandoffsFixture is DisputesFixture, Signing {
    uint256 internal constant DEVICE_KEY = 0xD0;
    uint256 internal constant OTHER_KEY = 0xD1;
    uint32 internal constant HOPS = 2;

    address internal immutable DEVICE = vm.addr(DEVICE_KEY);
    address internal immutable OTHER_DEVICE = vm.addr(OTHER_KEY);

    IPayments internal payments;
    IHandoffs internal handoffs;
    IHopShares internal shares;
    bytes32 internal run;

    function setUp() public virtual override {
        super.setUp();
        payments = IPayments(vm.deployCode("Payments.sol:Payments"));
        handoffs = IHandoffs(vm.deployCode("Handoffs.sol:Handoffs", abi.encode(payments, disputes)));
        shares = IHopShares(vm.deployCode("HopShares.sol:HopShares", abi.encode(handoffs)));
        run = keccak256(abi.encode(terms.program, terms.initial));
        vm.deal(DEVICE, 100 ether);
        vm.deal(OTHER_DEVICE, 100 ether);
    }

    // ------------------------------------------------------------ handoffs

    function rootOver(IHandoffs.SlotRoot[] memory list) internal pure returns (bytes32) {
        bytes32[] memory leaves = new bytes32[](list.length);
        for (uint256 i; i < list.length; ++i) {
            leaves[i] = Merkle.leaf(abi.encodePacked(list[i].slot, list[i].root));
        }
        return Trees.root(leaves);
    }

    /// @dev The hop's first slot, its number of slots, the slots that it reads besides the table of the
    /// second hop, and those that it hands on.
    function shapeOf(uint32 hop)
        internal
        pure
        returns (uint256 first, uint256 count, uint256[] memory reads, uint256[] memory gives)
    {
        if (hop == 0) {
            (first, count, reads, gives) = (SampleRun.SUM, 3, new uint256[](2), new uint256[](2));
            (reads[0], reads[1]) = (SampleRun.W, SampleRun.X);
            (gives[0], gives[1]) = (SampleRun.SUM, SampleRun.CLIP);
        } else {
            (first, count, reads, gives) = (SampleRun.NEXT, 1, new uint256[](2), new uint256[](1));
            (reads[0], reads[1]) = (SampleRun.SUM, SampleRun.CLIP);
            gives[0] = SampleRun.NEXT;
        }
    }

    function tensorsOf(SampleRun.Step memory step, uint256[] memory slots)
        internal
        pure
        returns (IHandoffs.SlotRoot[] memory list)
    {
        list = new IHandoffs.SlotRoot[](slots.length);
        for (uint256 i; i < slots.length; ++i) {
            list[i] = IHandoffs.SlotRoot(uint32(slots[i]), step.roots[slots[i]]);
        }
    }

    /// @dev The hop as what one party computed shows it.
    function hopOf(SampleRun.Step memory step, uint32 hop) internal pure returns (IHandoffs.Hop memory made) {
        (uint256 first, uint256 count, uint256[] memory reads, uint256[] memory gives) = shapeOf(hop);
        IDisputes.Slot[] memory program = SampleRun.slots();
        bytes32[] memory leaves = SampleRun.slotLeaves();
        (made.inputs, made.outputs) = (tensorsOf(step, reads), tensorsOf(step, gives));
        made.first = uint32(first);
        if (hop == 1) {
            made.tables = new IHandoffs.Table[](1);
            made.tables[0] = IHandoffs.Table(
                uint32(SampleRun.T), step.roots[SampleRun.T], Trees.proof(leaves, SampleRun.T)
            );
        }
        (made.slots, made.proofs) = (new IDisputes.Slot[](count), new bytes32[][](count));
        for (uint256 i; i < count; ++i) {
            (made.slots[i], made.proofs[i]) = (program[first + i], Trees.proof(leaves, first + i));
        }
    }

    function handoffOf(SampleRun.Execution memory s, uint64 step, uint32 hop)
        internal
        view
        returns (IHandoffs.Handoff memory)
    {
        IHandoffs.Hop memory made = hopOf(s.steps[step], hop);
        return IHandoffs.Handoff(
            run, step, hop, keccak256("version"), rootOver(made.inputs), rootOver(made.outputs)
        );
    }

    function digestOf(IHandoffs.Handoff memory h) internal view returns (bytes32) {
        return typed(
            address(handoffs),
            keccak256(
                abi.encode(
                    keccak256(
                        "Handoff(bytes32 run,uint64 step,uint32 hop,bytes32 version,bytes32 inputs,bytes32 outputs)"
                    ),
                    h.run,
                    h.step,
                    h.hop,
                    h.version,
                    h.inputs,
                    h.outputs
                )
            )
        );
    }

    function sign(uint256 key, IHandoffs.Handoff memory h)
        internal
        view
        returns (IHandoffs.Signature memory s)
    {
        (s.r, s.vs) = sign64(key, digestOf(h));
    }

    // ------------------------------------------------------------ bonds, claims and blame

    function depositAs(address device, uint256 amount) internal {
        vm.prank(device);
        handoffs.deposit{value: amount}(run, CLAIMANT, uint64(block.timestamp + 30 days));
    }

    function creditOf(address who) internal view returns (uint256) {
        return payments.creditOf(who, address(0));
    }

    /// @dev The execution with one word of one slot of one step changed, and everything after it.
    function faultyExecution(uint256 step, uint256 slot) internal pure returns (SampleRun.Execution memory) {
        return SampleRun.execute(SampleRun.Fault(step, slot, 5, 1 << 20));
    }

    /// @dev The claimant claims `said`, and loses it to a challenger that computed `right`.
    function loseClaim(SampleRun.Execution memory said, SampleRun.Execution memory right)
        internal
        returns (uint256 claim, uint256 game)
    {
        claim = claimRoot(said.root);
        game = challengeAs(claim, CHALLENGER);
        playOut(game, said, right, 0);
    }

    /// @dev A claim of `who` that the hop has these outputs. It is not settled.
    function claimHop(address who, IHandoffs.Hop memory hop, IHandoffs.SlotRoot[] memory outputs)
        internal
        returns (uint256)
    {
        IDisputes.Terms memory about = handoffs.hopTerms(terms, hop);
        uint256 bond = disputes.claimBond(about);
        bytes32 root = handoffs.claimRootOf(outputs);
        vm.prank(who);
        return disputes.claim{value: bond}(about, root);
    }

    /// @dev A claim about the hop of what `right` says, which stands.
    function refute(
        SampleRun.Execution memory said,
        SampleRun.Execution memory right,
        uint64 step,
        uint32 hop
    ) internal returns (uint256 claim) {
        claim = claimHop(CLAIMANT, hopOf(said.steps[step], hop), hopOf(right.steps[step], hop).outputs);
        vm.warp(block.timestamp + 2 hours);
        disputes.settle(claim);
    }

    function convict(uint256 key, SampleRun.Execution memory said, uint64 step, uint32 hop, uint256 claim)
        internal
    {
        IHandoffs.Handoff memory h = handoffOf(said, step, hop);
        handoffs.convict(vm.addr(key), h, sign(key, h), terms, hopOf(said.steps[step], hop), claim);
    }

    /// @dev Where a game ended at an output of a hop, with the claimant's trace of the step.
    function lossOf(uint256 game, SampleRun.Step memory step, uint32 hop, uint256 output)
        internal
        pure
        returns (IHandoffs.Loss memory loss)
    {
        IHandoffs.Hop memory made = hopOf(step, hop);
        (loss.game, loss.inputs, loss.outputs, loss.output) = (game, made.inputs, made.outputs, output);
        loss.inputProofs = new bytes32[][](made.inputs.length);
        for (uint256 i; i < made.inputs.length; ++i) {
            loss.inputProofs[i] = Trees.proof(step.leaves, made.inputs[i].slot);
        }
        loss.proof = Trees.proof(step.leaves, made.outputs[output].slot);
    }
}
