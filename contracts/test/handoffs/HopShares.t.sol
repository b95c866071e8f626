// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IHandoffs} from "../../src/IHandoffs.sol";
import {IHopShares} from "../../src/IHopShares.sol";
import {MerkleSha256 as Merkle} from "../../src/disputes/MerkleSha256.sol";
import {SampleRun} from "../disputes/SampleRun.sol";
import {Trees} from "../disputes/Trees.sol";
import {HandoffsFixture} from "./HandoffsFixture.sol";

/// @notice One device computes the first hop of every step, and the other the second.
contract HopSharesTest is HandoffsFixture {
    uint256 private constant AMOUNT = 6 ether + 5;

    uint256 private pot;
    uint256 private claim;
    bytes32[] private leaves;
    IHandoffs.Handoff[] private made;

    function setUp() public override {
        super.setUp();
        pot = fund();
        SampleRun.Execution memory right = honestExecution();
        for (uint64 step; step < SampleRun.STEPS; ++step) {
            for (uint32 hop; hop < HOPS; ++hop) {
                made.push(handoffOf(right, step, hop));
                bytes32 digest = digestOf(made[made.length - 1]);
                leaves.push(Merkle.leaf(abi.encodePacked(deviceOf(hop), digest)));
            }
        }
        claim = claimRoot(right.root);
    }

    function fund() private returns (uint256) {
        vm.deal(CHALLENGER, 100 ether);
        vm.prank(CHALLENGER);
        return shares.fund{value: AMOUNT}(terms, CLAIMANT, HOPS, uint64(block.timestamp + 30 days));
    }

    function deviceOf(uint32 hop) private view returns (address) {
        return hop == 0 ? DEVICE : OTHER_DEVICE;
    }

    function recordAs(address who, uint256 about) private {
        bytes32 root = Trees.root(leaves);
        vm.prank(who);
        shares.record(pot, about, root);
    }

    /// @dev Recording has to revert with this error.
    function refusesRecord(bytes memory error, address who, uint256 about) private {
        bytes32 root = Trees.root(leaves);
        vm.prank(who);
        vm.expectRevert(error);
        shares.record(pot, about, root);
    }

    function stand() private {
        recordAs(CLAIMANT, claim);
        vm.warp(block.timestamp + 2 hours);
        disputes.settle(claim);
    }

    function entryOf(uint64 step, uint32 hop) private view returns (IHopShares.Entry memory entry) {
        entry.handoff = made[step * HOPS + hop];
        entry.signature = sign(hop == 0 ? DEVICE_KEY : OTHER_KEY, entry.handoff);
        entry.proof = Trees.proof(leaves, step * HOPS + hop);
    }

    function entriesOf(uint32 hop) private view returns (IHopShares.Entry[] memory list) {
        list = new IHopShares.Entry[](SampleRun.STEPS);
        for (uint64 step; step < SampleRun.STEPS; ++step) {
            list[step] = entryOf(step, hop);
        }
    }

    /// [V-80]
    function test_collect_paysDevicesByTheirHops() external {
        stand();
        IHopShares.Entry[] memory entries = entriesOf(0);
        vm.expectEmit(address(shares));
        emit IHopShares.Collected(pot, DEVICE, 3, 3 ether);
        shares.collect(pot, DEVICE, entries);
        assertEq(creditOf(DEVICE), 3 ether);
        assertTrue(shares.isPaid(pot, 2, 0));
        assertFalse(shares.isPaid(pot, 2, 1));
        shares.collect(pot, OTHER_DEVICE, entriesOf(1));
        assertEq(creditOf(OTHER_DEVICE), 3 ether);
        assertEq(shares.potOf(pot).left, 5);
    }

    /// [V-80]
    function test_collect_revertsIfHopIsPaid() external {
        stand();
        IHopShares.Entry[] memory twice = new IHopShares.Entry[](2);
        (twice[0], twice[1]) = (entryOf(1, 0), entryOf(1, 0));
        vm.expectRevert(abi.encodeWithSelector(IHopShares.AlreadyPaid.selector, uint64(1), uint32(0)));
        shares.collect(pot, DEVICE, twice);
        IHopShares.Entry[] memory entries = entriesOf(0);
        shares.collect(pot, DEVICE, entries);
        vm.expectRevert(abi.encodeWithSelector(IHopShares.AlreadyPaid.selector, uint64(0), uint32(0)));
        shares.collect(pot, DEVICE, entries);
    }

    /// [V-80]
    function test_collect_revertsUntilClaimStands() external {
        IHopShares.Entry[] memory entries = entriesOf(0);
        vm.expectRevert(IHopShares.NotStanding.selector);
        shares.collect(pot, DEVICE, entries);
        recordAs(CLAIMANT, claim);
        vm.expectRevert(IHopShares.NotStanding.selector);
        shares.collect(pot, DEVICE, entries);
    }

    /// [V-81]
    function test_collect_revertsIfHandoffIsNotInRecord() external {
        stand();
        IHopShares.Entry[] memory entries = new IHopShares.Entry[](1);
        // Another device signed the same handoff.
        entries[0] = entryOf(1, 0);
        entries[0].signature = sign(OTHER_KEY, entries[0].handoff);
        _refused(OTHER_DEVICE, entries, 1, 0);
        // Nobody signed it.
        _refused(DEVICE, entries, 1, 0);
        // The device signed another one.
        entries[0].handoff.version = keccak256("another version");
        entries[0].signature = sign(DEVICE_KEY, entries[0].handoff);
        _refused(DEVICE, entries, 1, 0);
        // A hop beyond those of a step would be one of the next step.
        entries[0] = entryOf(1, 0);
        (entries[0].handoff.step, entries[0].handoff.hop) = (0, 2);
        entries[0].signature = sign(DEVICE_KEY, entries[0].handoff);
        _refused(DEVICE, entries, 0, 2);
        entries[0] = entryOf(1, 0);
        entries[0].handoff.run = keccak256("another run");
        entries[0].signature = sign(DEVICE_KEY, entries[0].handoff);
        _refused(DEVICE, entries, 1, 0);
    }

    /// [V-81] The claimant recorded a handoff that the device signed for another run.
    function test_collect_revertsIfRecordedHandoffIsOfOtherRun() external {
        IHandoffs.Handoff memory other = made[0];
        other.run = keccak256("another run");
        leaves[0] = Merkle.leaf(abi.encodePacked(DEVICE, digestOf(other)));
        stand();
        IHopShares.Entry[] memory entries = new IHopShares.Entry[](1);
        entries[0] = IHopShares.Entry(other, sign(DEVICE_KEY, other), Trees.proof(leaves, 0));
        _refused(DEVICE, entries, 0, 0);
    }

    /// [V-81] A handoff of a hop that a step does not have stands where a hop of the next step belongs.
    function test_collect_revertsIfRecordedHopIsBeyondStep() external {
        IHandoffs.Handoff memory beyond = made[0];
        beyond.hop = HOPS;
        leaves[HOPS] = Merkle.leaf(abi.encodePacked(DEVICE, digestOf(beyond)));
        stand();
        IHopShares.Entry[] memory entries = new IHopShares.Entry[](1);
        entries[0] = IHopShares.Entry(beyond, sign(DEVICE_KEY, beyond), Trees.proof(leaves, HOPS));
        _refused(DEVICE, entries, 0, HOPS);
    }

    function _refused(address device, IHopShares.Entry[] memory entries, uint64 step, uint32 hop) private {
        vm.expectRevert(abi.encodeWithSelector(IHopShares.NotInRecord.selector, step, hop));
        shares.collect(pot, device, entries);
    }

    /// [V-81] A device of the record that lied somewhere in the run gets nothing.
    function test_collect_revertsIfDeviceIsForfeited() external {
        stand();
        IHandoffs.Handoff memory one = made[HOPS];
        IHandoffs.Handoff memory two = handoffOf(faultyExecution(1, SampleRun.SUM), 1, 0);
        handoffs.contradict(DEVICE, one, sign(DEVICE_KEY, one), two, sign(DEVICE_KEY, two));
        IHopShares.Entry[] memory entries = entriesOf(0);
        vm.expectRevert(IHopShares.Forfeited.selector);
        shares.collect(pot, DEVICE, entries);
        shares.collect(pot, OTHER_DEVICE, entriesOf(1));
    }

    /// [V-81]
    function test_record_revertsIfClaimIsForeignOrRecorded() external {
        refusesRecord(abi.encodeWithSelector(IHopShares.OnlyBy.selector, CLAIMANT), DEVICE, claim);
        uint256 bond = disputes.claimBond(terms);
        vm.deal(OTHER_DEVICE, bond);
        vm.prank(OTHER_DEVICE);
        uint256 foreign = disputes.claim{value: bond}(terms, keccak256("root"));
        refusesRecord(abi.encodeWithSelector(IHopShares.BadClaim.selector, foreign), CLAIMANT, foreign);
        recordAs(CLAIMANT, claim);
        refusesRecord(abi.encodeWithSelector(IHopShares.AlreadyRecorded.selector), CLAIMANT, claim);
    }

    /// [V-81]
    function test_record_replacesThatOfLostClaim() external {
        SampleRun.Execution memory wrong = faultyExecution(1, SampleRun.NEXT);
        (uint256 lost,) = loseClaim(wrong, honestExecution());
        refusesRecord(abi.encodeWithSelector(IHopShares.BadClaim.selector, lost), CLAIMANT, lost);
        uint256 second = claimRoot(wrong.root);
        recordAs(CLAIMANT, second);
        playOut(challengeAs(second, CHALLENGER), wrong, honestExecution(), 0);
        claim = claimRoot(honestExecution().root);
        stand();
        shares.collect(pot, DEVICE, entriesOf(0));
        assertEq(creditOf(DEVICE), 3 ether);
    }

    /// [V-82]
    function test_giveBack_returnsWhatNobodyCollectedAfterItsTime() external {
        uint64 until = shares.potOf(pot).until;
        stand();
        shares.collect(pot, DEVICE, entriesOf(0));
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(IHopShares.TooEarly.selector, until));
        shares.giveBack(pot);
        vm.warp(until + 1);
        IHopShares.Entry[] memory late = entriesOf(1);
        vm.expectRevert(abi.encodeWithSelector(IHopShares.TooLate.selector, until));
        shares.collect(pot, OTHER_DEVICE, late);
        shares.giveBack(pot);
        assertEq(creditOf(CHALLENGER), 3 ether + 5);
        vm.expectRevert(IHopShares.NothingLeft.selector);
        shares.giveBack(pot);
    }

    function test_fund_revertsIfPotCannotPay() external {
        uint64 later = uint64(block.timestamp + 1);
        vm.expectRevert(IHopShares.BadPot.selector);
        shares.fund{value: 5}(terms, CLAIMANT, HOPS, later);
        vm.expectRevert(IHopShares.BadPot.selector);
        shares.fund{value: 1 ether}(terms, CLAIMANT, 0, later);
        vm.expectRevert(IHopShares.BadPot.selector);
        shares.fund{value: 1 ether}(terms, CLAIMANT, HOPS, uint64(block.timestamp));
        assertEq(shares.potOf(7).funder, address(0));
    }
}
