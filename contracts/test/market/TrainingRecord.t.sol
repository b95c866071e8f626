// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ITrainingRecord} from "../../src/ITrainingRecord.sol";
import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {Market} from "./Market.sol";

contract TrainingRecordTest is Market {
    bytes32 private run;

    function setUp() public {
        deployMarket();
        run = training.open(termsOf(1));
    }

    function standing(address who, uint256 seed) private returns (uint256 claim) {
        claim = claimWork(who, seed);
        passWindow();
        disputes.settle(claim);
    }

    function test_aRunIsNamedByWhatItIs() external {
        eq(run, hashOf(termsOf(1)), "name");
        ITrainingRecord.Run memory r = training.runOf(run);
        eq(r.steps, STEPS, "steps");
        eq(r.initial, keccak256("initial"), "initial");
        eq(r.openedAt, block.timestamp, "opened");
        vm.expectRevert(abi.encodeWithSelector(ITrainingRecord.AlreadyOpen.selector, run));
        training.open(termsOf(1));
        IDisputes.Terms memory none = termsOf(2);
        none.steps = 0;
        vm.expectRevert(ITrainingRecord.BadTerms.selector);
        training.open(none);
    }

    function test_everyStepOfAStandingClaimCanBeRecorded() external {
        uint256 claim = standing(WORKER, 1);
        for (uint32 step; step < STEPS; ++step) {
            cheats.prank(OTHER);
            training.record(run, claim, step, rootAfter(1, step), proofOf(1, step));
            ITrainingRecord.Checkpoint memory c = training.checkpointOf(run, step);
            eq(c.root, rootAfter(1, step), "root");
            eq(c.contributor, WORKER, "by whom");
            eq(c.claim, claim, "shown by");
            ITrainingRecord.Origin memory o = training.madeBy(rootAfter(1, step));
            eq(o.run, run, "run");
            eq(o.step, step, "step");
        }
        eq(training.tallyOf(WORKER).stood, 1, "counted once");
        yes(training.counted(claim), "counted");
        vm.expectRevert(abi.encodeWithSelector(ITrainingRecord.NothingToCount.selector, claim));
        training.count(claim);
        eq(address(training.disputes()), address(disputes), "disputes");
    }

    function test_nothingOfAnUndecidedOrLostClaimIsRecorded() external {
        uint256 claim = claimWork(WORKER, 1);
        notStanding(claim);
        vm.expectRevert(abi.encodeWithSelector(ITrainingRecord.NothingToCount.selector, claim));
        training.count(claim);
        beat(claim, 1);
        notStanding(claim);
        training.count(claim);
        eq(training.tallyOf(WORKER).lost, 1, "counted against it");
        eq(training.tallyOf(WORKER).stood, 0, "and not for it");
        vm.expectRevert(abi.encodeWithSelector(ITrainingRecord.NothingToCount.selector, claim));
        training.count(claim);
    }

    function notStanding(uint256 claim) private {
        bytes32[] memory proof = proofOf(1, 0);
        vm.expectRevert(abi.encodeWithSelector(ITrainingRecord.NotStanding.selector, claim));
        training.record(run, claim, 0, rootAfter(1, 0), proof);
    }

    function test_nothingThatTheClaimDoesNotSayIsRecorded() external {
        uint256 claim = standing(WORKER, 1);
        bytes32[] memory proof = proofOf(1, 0);
        vm.expectRevert(ITrainingRecord.NotInClaim.selector);
        training.record(run, claim, 1, rootAfter(1, 0), proof);
        vm.expectRevert(ITrainingRecord.NotInClaim.selector);
        training.record(run, claim, 0, rootAfter(1, 1), proof);
        vm.expectRevert(ITrainingRecord.NotInClaim.selector);
        training.record(run, claim, STEPS, rootAfter(1, 0), proof);
        // A claim about another run.
        uint256 other = standing(WORKER, 2);
        vm.expectRevert(abi.encodeWithSelector(ITrainingRecord.NotStanding.selector, other));
        training.record(run, other, 0, rootAfter(1, 0), proof);
        bytes32 unknown = hashOf(termsOf(2));
        vm.expectRevert(abi.encodeWithSelector(ITrainingRecord.NoRun.selector, unknown));
        training.record(unknown, other, 0, rootAfter(1, 0), proof);
    }

    function test_whoComesSecondWithTheSameChangesNothing() external {
        uint256 first = standing(WORKER, 1);
        uint256 second = standing(OTHER, 1);
        training.record(run, first, 0, rootAfter(1, 0), proofOf(1, 0));
        training.record(run, second, 0, rootAfter(1, 0), proofOf(1, 0));
        eq(training.checkpointOf(run, 0).contributor, WORKER, "the first");
        no(training.checkpointOf(run, 0).contradicted, "they agree");
        eq(training.tallyOf(OTHER).stood, 1, "and the second is counted");
    }

    /// @dev Two claims that differ stand: nobody looked. The record says so and keeps the first.
    function test_aContradictionIsShown() external {
        uint256 first = standing(WORKER, 1);
        training.record(run, first, 0, rootAfter(1, 0), proofOf(1, 0));
        // The roots of another seed under the terms of this one.
        bytes32[] memory proof = proofOf(9, 0);
        uint256 second = claimRoot(OTHER, 1, rootOf(9));
        passWindow();
        disputes.settle(second);
        training.record(run, second, 0, rootAfter(9, 0), proof);
        yes(training.checkpointOf(run, 0).contradicted, "contradicted");
        eq(training.checkpointOf(run, 0).root, rootAfter(1, 0), "the first is kept");
        eq(training.madeBy(rootAfter(9, 0)).run, 0, "and the second has no origin");
    }

    function rootOf(uint256 seed) private pure returns (bytes32) {
        bytes32[] memory hashes = leaves(seed);
        return sha256(bytes.concat(hex"01", sha256(bytes.concat(hex"01", hashes[0], hashes[1])), hashes[2]));
    }
}
