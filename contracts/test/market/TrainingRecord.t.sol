// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ITrainingRecord} from "../../src/ITrainingRecord.sol";
import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {MarketFixture} from "./MarketFixture.sol";

contract TrainingRecordTest is MarketFixture {
    bytes32 private run;

    function setUp() public {
        deployMarket();
        run = training.open(termsOf(1));
    }

    function settledClaim(address who, uint256 seed) private returns (uint256 claim) {
        claim = claimRun(who, seed);
        passWindow();
        disputes.settle(claim);
    }

    function test_open_namesRunByHashOfTerms() external {
        assertEq(run, hashOf(termsOf(1)), "name");
        ITrainingRecord.Run memory r = training.runOf(run);
        assertEq(r.steps, STEPS, "steps");
        assertEq(r.initial, keccak256("initial"), "initial");
        assertEq(r.openedAt, block.timestamp, "opened");
        vm.expectRevert(abi.encodeWithSelector(ITrainingRecord.AlreadyOpen.selector, run));
        training.open(termsOf(1));
        IDisputes.Terms memory none = termsOf(2);
        none.steps = 0;
        vm.expectRevert(ITrainingRecord.BadTerms.selector);
        training.open(none);
    }

    function test_record_storesEveryStepOfStandingClaim() external {
        uint256 claim = settledClaim(WORKER, 1);
        for (uint32 step; step < STEPS; ++step) {
            vm.prank(OTHER);
            training.record(run, claim, step, rootAfter(1, step), proofOf(1, step));
            ITrainingRecord.Checkpoint memory c = training.checkpointOf(run, step);
            assertEq(c.root, rootAfter(1, step), "root");
            assertEq(c.contributor, WORKER, "contributor");
            assertEq(c.claim, claim, "claim");
        }
        assertEq(training.tallyOf(WORKER).stood, 1, "counted once");
        assertTrue(training.counted(claim), "counted");
        vm.expectRevert(abi.encodeWithSelector(ITrainingRecord.NothingToCount.selector, claim));
        training.count(claim);
        assertEq(address(training.disputes()), address(disputes), "disputes");
    }

    function test_record_revertsIfClaimDoesNotStand() external {
        uint256 claim = claimRun(WORKER, 1);
        assertRecordReverts(claim);
        vm.expectRevert(abi.encodeWithSelector(ITrainingRecord.NothingToCount.selector, claim));
        training.count(claim);
        defeatClaim(claim, 1);
        assertRecordReverts(claim);
        training.count(claim);
        assertEq(training.tallyOf(WORKER).lost, 1, "counted as lost");
        assertEq(training.tallyOf(WORKER).stood, 0, "not counted as stood");
        vm.expectRevert(abi.encodeWithSelector(ITrainingRecord.NothingToCount.selector, claim));
        training.count(claim);
    }

    function assertRecordReverts(uint256 claim) private {
        bytes32[] memory proof = proofOf(1, 0);
        vm.expectRevert(abi.encodeWithSelector(ITrainingRecord.NotStanding.selector, claim));
        training.record(run, claim, 0, rootAfter(1, 0), proof);
    }

    function test_record_revertsIfRootIsNotInClaim() external {
        uint256 claim = settledClaim(WORKER, 1);
        bytes32[] memory proof = proofOf(1, 0);
        vm.expectRevert(ITrainingRecord.NotInClaim.selector);
        training.record(run, claim, 1, rootAfter(1, 0), proof);
        vm.expectRevert(ITrainingRecord.NotInClaim.selector);
        training.record(run, claim, 0, rootAfter(1, 1), proof);
        vm.expectRevert(ITrainingRecord.NotInClaim.selector);
        training.record(run, claim, STEPS, rootAfter(1, 0), proof);
        // A claim about another run.
        uint256 other = settledClaim(WORKER, 2);
        vm.expectRevert(abi.encodeWithSelector(ITrainingRecord.NotStanding.selector, other));
        training.record(run, other, 0, rootAfter(1, 0), proof);
        bytes32 unknown = hashOf(termsOf(2));
        vm.expectRevert(abi.encodeWithSelector(ITrainingRecord.NoRun.selector, unknown));
        training.record(unknown, other, 0, rootAfter(1, 0), proof);
    }

    function test_record_keepsEarliestContributorIfClaimsAgree() external {
        uint256 first = settledClaim(WORKER, 1);
        uint256 second = settledClaim(OTHER, 1);
        training.record(run, first, 0, rootAfter(1, 0), proofOf(1, 0));
        training.record(run, second, 0, rootAfter(1, 0), proofOf(1, 0));
        assertEq(training.checkpointOf(run, 0).contributor, WORKER, "the first contributor");
        assertFalse(training.checkpointOf(run, 0).contradicted, "not contradicted");
        assertEq(training.tallyOf(OTHER).stood, 1, "the second claim is counted");
    }

    /// @dev Two claims that differ stand, because nobody checked in time. The record keeps the first and
    /// marks it.
    function test_record_marksContradictionIfClaimsDiffer() external {
        uint256 first = settledClaim(WORKER, 1);
        training.record(run, first, 0, rootAfter(1, 0), proofOf(1, 0));
        // A claim about this run with the roots of another.
        bytes32[] memory proof = proofOf(9, 0);
        uint256 second = claimRoot(OTHER, 1, rootOf(9));
        passWindow();
        disputes.settle(second);
        training.record(run, second, 0, rootAfter(9, 0), proof);
        assertTrue(training.checkpointOf(run, 0).contradicted, "contradicted");
        assertEq(training.checkpointOf(run, 0).root, rootAfter(1, 0), "the first root is kept");
    }

    function rootOf(uint256 seed) private pure returns (bytes32) {
        bytes32[] memory hashes = leaves(seed);
        return sha256(bytes.concat(hex"01", sha256(bytes.concat(hex"01", hashes[0], hashes[1])), hashes[2]));
    }
}
