// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IHandoffs} from "../../src/IHandoffs.sol";
import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {MerkleSha256 as Merkle} from "../../src/disputes/MerkleSha256.sol";
import {SampleRun} from "../disputes/SampleRun.sol";
import {Trees} from "../disputes/Trees.sol";
import {HandoffsFixture} from "./HandoffsFixture.sol";

contract HandoffsTest is HandoffsFixture {
    function test_codeSize_isWithinEIP170() external view {
        assertLe(address(handoffs).code.length, 24_576, "Handoffs, EIP-170");
        assertLe(address(shares).code.length, 24_576, "HopShares, EIP-170");
    }

    // ------------------------------------------------------------ bonds

    function test_deposit_addsToBondAndLocksIt() external {
        depositAs(DEVICE, 1 ether);
        vm.expectEmit(address(handoffs));
        emit IHandoffs.Deposited(DEVICE, run, CLAIMANT, 2 ether, uint64(block.timestamp + 30 days));
        depositAs(DEVICE, 2 ether);
        IHandoffs.Bond memory bond = handoffs.bondOf(DEVICE, run, CLAIMANT);
        assertEq(bond.amount, 3 ether);
        assertEq(bond.until, block.timestamp + 30 days);
        assertEq(handoffs.bondOf(DEVICE, run, CHALLENGER).amount, 0, "another account's claims");
    }

    function test_deposit_revertsIfTimeIsOverOrEarlierOrTooLate() external {
        depositAs(DEVICE, 1 ether);
        uint64[3] memory times = [
            uint64(block.timestamp), uint64(block.timestamp + 30 days - 1), uint64(block.timestamp + 366 days)
        ];
        for (uint256 i; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IHandoffs.BadTime.selector, times[i]));
            vm.prank(DEVICE);
            handoffs.deposit{value: 1}(run, CLAIMANT, times[i]);
        }
    }

    function test_deposit_revertsIfNothingIsSent() external {
        vm.expectRevert(IHandoffs.BadAmount.selector);
        vm.prank(DEVICE);
        handoffs.deposit(run, CLAIMANT, uint64(block.timestamp + 1));
    }

    function test_withdraw_returnsBondOnceAfterItsTime() external {
        depositAs(DEVICE, 3 ether);
        vm.warp(block.timestamp + 30 days + 1);
        vm.expectEmit(address(handoffs));
        emit IHandoffs.Withdrawn(DEVICE, run, CLAIMANT, 3 ether);
        vm.prank(DEVICE);
        handoffs.withdraw(run, CLAIMANT);
        assertEq(creditOf(DEVICE), 3 ether);
        vm.expectRevert(IHandoffs.NoBond.selector);
        vm.prank(DEVICE);
        handoffs.withdraw(run, CLAIMANT);
    }

    /// [V-71]
    function test_withdraw_revertsWhileBondIsLocked() external {
        depositAs(DEVICE, 3 ether);
        uint64 until = uint64(block.timestamp + 30 days);
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(IHandoffs.Locked.selector, until));
        vm.prank(DEVICE);
        handoffs.withdraw(run, CLAIMANT);
    }

    // ------------------------------------------------------------ the hop as a run of its own

    /// [V-73] The program is written out by hand here.
    function test_hopTerms_areTheHopsSlotsAndInputs() external view {
        SampleRun.Step memory step = honestExecution().steps[1];
        IHandoffs.Hop memory hop = hopOf(step, 1);
        IDisputes.Slot[] memory slots = new IDisputes.Slot[](5);
        bytes32[] memory leaves = new bytes32[](5);
        bytes32[] memory data = new bytes32[](2);
        for (uint32 i; i < 2; ++i) {
            (slots[i].kind, slots[i].place) = (IDisputes.Kind.Data, i);
            data[i] = Merkle.leaf(hop.inputs[i].root);
        }
        slots[2] = SampleRun.slots()[SampleRun.T];
        slots[3] = SampleRun.slots()[SampleRun.NEXT];
        (slots[3].inputs[0], slots[3].inputs[1], slots[3].inputs[2]) = (0, 1, 2);
        slots[4].kind = IDisputes.Kind.Compose;
        slots[4].inputs = new uint32[](1);
        slots[4].inputs[0] = 3;
        for (uint256 i; i < 5; ++i) {
            leaves[i] = Merkle.leaf(abi.encode(slots[i]));
        }
        IDisputes.Terms memory made = handoffs.hopTerms(terms, hop);
        assertEq(made.program, Trees.root(leaves));
        assertEq(made.data, Trees.root(data));
        assertEq(made.initial, 0);
        assertEq(made.steps, 1);
        assertEq(made.slots, 5);
        assertEq(made.dataSlots, 2);
        assertEq(handoffs.claimRootOf(hop.outputs), Merkle.leaf(step.roots[SampleRun.NEXT]));
    }

    function test_hopTerms_revertIfSlotsAreNotTheProgramsOrReadOthers() external {
        SampleRun.Step memory step = honestExecution().steps[1];
        IHandoffs.Hop[8] memory bad;
        for (uint256 i; i < 6; ++i) {
            bad[i] = hopOf(step, 0);
        }
        // Another slot than the program has at this place.
        bad[0].first = uint32(SampleRun.NORM);
        // A slot that no operator computes.
        (bad[1].first, bad[1].slots[0]) = (uint32(SampleRun.META), SampleRun.slots()[SampleRun.META]);
        bad[1].proofs[0] = Trees.proof(SampleRun.slotLeaves(), SampleRun.META);
        // A slot reads what is neither an input nor a slot before.
        bad[2].inputs[1].slot = uint32(SampleRun.T);
        // A slot is handed on that the hop does not have.
        bad[3].outputs[1].slot = uint32(SampleRun.NEXT);
        bad[4].outputs = new IHandoffs.SlotRoot[](0);
        bad[5].inputs = new IHandoffs.SlotRoot[](0);
        // Another table than the program has.
        bad[6] = hopOf(step, 1);
        bad[6].tables[0].root = keccak256("another table");
        // Another operator than the program has.
        bad[7] = hopOf(step, 0);
        ++bad[7].slots[0].node.op;
        for (uint256 i; i < 8; ++i) {
            vm.expectRevert(IHandoffs.BadHop.selector);
            handoffs.hopTerms(terms, bad[i]);
        }
    }

    /// @dev A program whose slots read one another cannot be computed, and no hop of it can be claimed.
    function test_hopTerms_revertIfSlotReadsLaterSlot() external {
        IHandoffs.Hop memory hop = hopOf(honestExecution().steps[1], 0);
        (hop.slots[0].inputs[0], hop.first) = (1, 0);
        bytes32[] memory leaves = new bytes32[](3);
        for (uint256 i; i < 3; ++i) {
            leaves[i] = Merkle.leaf(abi.encode(hop.slots[i]));
        }
        for (uint256 i; i < 3; ++i) {
            hop.proofs[i] = Trees.proof(leaves, i);
        }
        (hop.inputs[0].slot, hop.inputs[1].slot) = (4, 5);
        (hop.outputs[0].slot, hop.outputs[1].slot) = (0, 2);
        IDisputes.Terms memory odd = terms;
        (odd.program, odd.slots) = (Trees.root(leaves), 3);
        vm.expectRevert(IHandoffs.BadHop.selector);
        handoffs.hopTerms(odd, hop);
    }

    // ------------------------------------------------------------ convicting a handoff

    function notRefuted(uint256 claim) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IHandoffs.NotRefuted.selector, claim);
    }

    /// @dev The device signed the handoff, and the call has to revert with this error.
    function refuses(bytes memory error, IHandoffs.Handoff memory h, IHandoffs.Hop memory hop, uint256 claim)
        private
    {
        IHandoffs.Signature memory signature = sign(DEVICE_KEY, h);
        vm.expectRevert(error);
        handoffs.convict(DEVICE, h, signature, terms, hop, claim);
    }

    /// [V-73]
    function test_convict_forfeitsBondsIfClaimAboutHopStands() external {
        SampleRun.Execution memory said = faultyExecution(1, SampleRun.NEXT);
        uint256 claim = refute(said, honestExecution(), 1, 1);
        depositAs(DEVICE, 1 ether);
        vm.expectEmit(address(handoffs));
        emit IHandoffs.Convicted(DEVICE, run, digestOf(handoffOf(said, 1, 1)), claim);
        convict(DEVICE_KEY, said, 1, 1, claim);
        assertTrue(handoffs.isForfeited(DEVICE, run));
        assertTrue(handoffs.isConvicted(DEVICE, digestOf(handoffOf(said, 1, 1))));
        vm.warp(block.timestamp + 31 days);
        vm.expectRevert(IHandoffs.Forfeited.selector);
        vm.prank(DEVICE);
        handoffs.withdraw(run, CLAIMANT);
        vm.expectRevert(IHandoffs.Forfeited.selector);
        depositAs(DEVICE, 1 ether);
    }

    /// [V-73] A false intermediate tensor shows in the outputs, so the device need not show it.
    function test_convict_findsFaultInSlotThatIsNotHandedOn() external {
        SampleRun.Execution memory said = faultyExecution(1, SampleRun.NORM);
        convict(DEVICE_KEY, said, 1, 0, refute(said, honestExecution(), 1, 0));
        assertTrue(handoffs.isForfeited(DEVICE, run));
    }

    /// [V-74]
    function test_convict_revertsIfClaimSaysWhatHandoffSays() external {
        SampleRun.Execution memory s = honestExecution();
        uint256 claim = refute(s, s, 1, 1);
        refuses(notRefuted(claim), handoffOf(s, 1, 1), hopOf(s.steps[1], 1), claim);
    }

    /// [V-74]
    function test_convict_revertsUntilClaimStands() external {
        SampleRun.Execution memory s = honestExecution();
        IHandoffs.Hop memory hop = hopOf(s.steps[1], 1);
        IHandoffs.Handoff memory h = handoffOf(s, 1, 1);
        IHandoffs.Signature memory signature = sign(DEVICE_KEY, h);
        // Somebody frames the device: nobody but a challenger can stop that.
        uint256 claim =
            claimHop(OTHER_CHALLENGER, hop, hopOf(faultyExecution(1, SampleRun.NEXT).steps[1], 1).outputs);
        vm.expectRevert(abi.encodeWithSelector(IHandoffs.NotRefuted.selector, claim));
        handoffs.convict(DEVICE, h, signature, terms, hop, claim);
        // The device challenges it. Whoever framed it has no true trace to show, and loses.
        IDisputes.Terms memory about = handoffs.hopTerms(terms, hop);
        uint256 bond = disputes.challengeBond(about);
        vm.prank(DEVICE);
        uint256 game = disputes.challenge{value: bond}(claim, about);
        vm.warp(block.timestamp + 30 days);
        disputes.timeout(game);
        assertGt(disputes.credit(DEVICE), bond, "the device is paid for it");
        vm.expectRevert(abi.encodeWithSelector(IHandoffs.NotRefuted.selector, claim));
        handoffs.convict(DEVICE, h, signature, terms, hop, claim);
    }

    /// [V-74]
    function test_convict_revertsIfClaimIsAboutOtherInputsOrHop() external {
        SampleRun.Execution memory said = faultyExecution(1, SampleRun.NEXT);
        SampleRun.Execution memory right = honestExecution();
        uint256[2] memory claims = [refute(right, right, 0, 1), refute(said, right, 1, 0)];
        for (uint256 i; i < 2; ++i) {
            refuses(notRefuted(claims[i]), handoffOf(said, 1, 1), hopOf(said.steps[1], 1), claims[i]);
        }
    }

    /// [V-74] A device that was given false inputs, and computed rightly from them, is not convicted by a
    /// true claim about the true inputs.
    function test_convict_revertsIfDeviceWasGivenFalseInputs() external {
        SampleRun.Execution memory given = faultyExecution(1, SampleRun.CLIP);
        SampleRun.Execution memory right = honestExecution();
        uint256 claim = refute(right, right, 1, 1);
        IHandoffs.Handoff memory h = handoffOf(given, 1, 1);
        refuses(abi.encodeWithSelector(IHandoffs.OtherTensors.selector), h, hopOf(right.steps[1], 1), claim);
        refuses(notRefuted(claim), h, hopOf(given.steps[1], 1), claim);
    }

    /// [V-70]
    function test_convict_revertsIfDeviceDidNotSign() external {
        SampleRun.Execution memory said = faultyExecution(1, SampleRun.NEXT);
        uint256 claim = refute(said, honestExecution(), 1, 1);
        IHandoffs.Handoff memory h = handoffOf(said, 1, 1);
        IHandoffs.Handoff memory other = handoffOf(said, 0, 1);
        IHandoffs.Signature[2] memory wrong = [sign(OTHER_KEY, h), sign(DEVICE_KEY, other)];
        IHandoffs.Hop memory hop = hopOf(said.steps[1], 1);
        for (uint256 i; i < 2; ++i) {
            vm.expectRevert(IHandoffs.NotSigned.selector);
            handoffs.convict(DEVICE, h, wrong[i], terms, hop, claim);
        }
        vm.expectRevert(IHandoffs.NotSigned.selector);
        handoffs.convict(address(0), h, IHandoffs.Signature(0, 0), terms, hop, claim);
    }

    /// [V-70]
    function test_convict_revertsIfTermsAreOfOtherRun() external {
        SampleRun.Execution memory said = faultyExecution(1, SampleRun.NEXT);
        uint256 claim = refute(said, honestExecution(), 1, 1);
        IHandoffs.Handoff memory h = handoffOf(said, 1, 1);
        h.run = keccak256("another run");
        refuses(abi.encodeWithSelector(IHandoffs.OtherRun.selector), h, hopOf(said.steps[1], 1), claim);
    }

    // ------------------------------------------------------------ two results of one hop

    /// [V-75]
    function test_contradict_forfeitsBonds() external {
        depositAs(DEVICE, 1 ether);
        IHandoffs.Handoff memory one = handoffOf(honestExecution(), 1, 1);
        IHandoffs.Handoff memory two = handoffOf(faultyExecution(1, SampleRun.NEXT), 1, 1);
        two.version = keccak256("another version");
        vm.expectEmit(address(handoffs));
        emit IHandoffs.Contradicted(DEVICE, run, digestOf(one), digestOf(two));
        handoffs.contradict(DEVICE, one, sign(DEVICE_KEY, one), two, sign(DEVICE_KEY, two));
        vm.warp(block.timestamp + 31 days);
        vm.expectRevert(IHandoffs.Forfeited.selector);
        vm.prank(DEVICE);
        handoffs.withdraw(run, CLAIMANT);
    }

    /// [V-75] An honest device that was given two inputs for a hop signs two results.
    function test_contradict_revertsIfThereIsNoContradiction() external {
        IHandoffs.Handoff memory one = handoffOf(honestExecution(), 1, 1);
        IHandoffs.Handoff memory wrong = handoffOf(faultyExecution(1, SampleRun.NEXT), 1, 1);
        IHandoffs.Handoff[5] memory others;
        others[0] = handoffOf(faultyExecution(1, SampleRun.CLIP), 1, 1);
        others[1] = handoffOf(honestExecution(), 1, 1);
        (others[2], others[3], others[4]) = (copyOf(wrong), copyOf(wrong), copyOf(wrong));
        others[2].step = 2;
        others[3].hop = 0;
        others[4].run = keccak256("another run");
        for (uint256 i; i < 5; ++i) {
            IHandoffs.Signature[2] memory both = [sign(DEVICE_KEY, one), sign(DEVICE_KEY, others[i])];
            vm.expectRevert(IHandoffs.NoContradiction.selector);
            handoffs.contradict(DEVICE, one, both[0], others[i], both[1]);
        }
        IHandoffs.Signature[4] memory signed =
            [sign(DEVICE_KEY, one), sign(OTHER_KEY, wrong), sign(OTHER_KEY, one), sign(DEVICE_KEY, wrong)];
        vm.expectRevert(IHandoffs.NotSigned.selector);
        handoffs.contradict(DEVICE, one, signed[0], wrong, signed[1]);
        vm.expectRevert(IHandoffs.NotSigned.selector);
        handoffs.contradict(DEVICE, one, signed[2], wrong, signed[3]);
    }

    function copyOf(IHandoffs.Handoff memory h) private pure returns (IHandoffs.Handoff memory) {
        return IHandoffs.Handoff(h.run, h.step, h.hop, h.version, h.inputs, h.outputs);
    }
}
