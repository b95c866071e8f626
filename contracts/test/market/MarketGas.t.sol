// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IJobs} from "../../src/IJobs.sol";
import {Trees} from "../disputes/Trees.sol";
import {MarketFixture} from "./MarketFixture.sol";

/// @notice Gas of the calls in the life of a job, compared with snapshots/. Runs with --isolate, so that
/// every call is a transaction of its own.
contract MarketGasTest is MarketFixture {
    function setUp() public {
        deployMarket();
    }

    function snap(string memory name) private {
        vm.snapshotGasLastCall("Market", name);
    }

    function test_gas_job() external {
        uint256 job = post(1, COIN);
        snap("Jobs.post, coin");
        claimAs(WORKER, job);
        snap("Jobs.claim, coin");
        deliver(WORKER, job, 1);
        snap("Jobs.deliver");
        passWindow();
        uint256 model = jobs.accept(job);
        snap("Jobs.accept, which settles the claim and makes the model");
        vm.prank(WORKER);
        payments.withdraw(COIN, 11 ether, WORKER);
        snap("Payments.withdraw, coin");
        vm.prank(REQUESTER);
        ownership.earn{value: 1 ether}(model, 1 ether);
        snap("Ownership.earn, coin, first");
        vm.prank(REQUESTER);
        ownership.earn{value: 1 ether}(model, 1 ether);
        snap("Ownership.earn, coin");
        vm.prank(REQUESTER);
        ownership.transfer(OTHER, model, 1000);
        snap("Ownership.transfer, to a new holder");
        ownership.collect(model, WORKER);
        snap("Ownership.collect");
    }

    function test_gas_expiredJob() external {
        uint256 job = post(1, address(token));
        snap("Jobs.post, token");
        claimAs(WORKER, job);
        snap("Jobs.claim, token");
        vm.warp(block.timestamp + 3 hours);
        jobs.reopen(job);
        snap("Jobs.reopen");
        vm.warp(block.timestamp + 2 days);
        jobs.expire(job);
        snap("Jobs.expire");
    }

    function test_gas_campaign() external {
        IJobs.Order memory order = orderOf(1, COIN);
        uint256 campaign = crowdfund.start(order, uint40(block.timestamp + 1));
        snap("Crowdfund.start");
        vm.prank(OTHER);
        crowdfund.pledge{value: 4 ether}(campaign, 4 ether);
        snap("Crowdfund.pledge, coin, first");
        vm.prank(REQUESTER);
        crowdfund.pledge{value: 6 ether}(campaign, 6 ether);
        snap("Crowdfund.pledge, coin");
        uint256 job = crowdfund.handOver(campaign);
        snap("Crowdfund.handOver, coin");
        claimAs(WORKER, job);
        deliver(WORKER, job, 1);
        passWindow();
        jobs.accept(job);
        crowdfund.collect(0);
        snap("Crowdfund.collect, shares");
    }

    function test_gas_refund() external {
        uint256 campaign = crowdfund.start(orderOf(1, address(token)), uint40(block.timestamp + 1));
        vm.prank(OTHER);
        crowdfund.pledge(campaign, 4 ether);
        snap("Crowdfund.pledge, token, first");
        vm.warp(block.timestamp + 2);
        crowdfund.refund(0);
        snap("Crowdfund.refund");
    }

    function test_gas_record() external {
        bytes32 run = training.open(termsOf(1));
        snap("TrainingRecord.open");
        training.commit(keccak256("first"));
        training.commit(training.commitmentTo(WORKER, run, Trees.root(leaves(1))));
        snap("TrainingRecord.commit");
        uint256 copy = claimRun(OTHER, 1);
        uint256 claim = claimRun(WORKER, 1);
        passWindow();
        disputes.settle(claim);
        bytes32[] memory first = proofOf(1, 0);
        bytes32[] memory second = proofOf(1, 1);
        training.record(run, claim, 0, rootAfter(1, 0), first);
        snap("TrainingRecord.record, first of a claim");
        training.record(run, claim, 1, rootAfter(1, 1), second);
        snap("TrainingRecord.record");
        disputes.settle(copy);
        bytes32[] memory third = proofOf(1, 2);
        training.record(run, copy, 2, rootAfter(1, 2), third);
        training.record(run, claim, 2, rootAfter(1, 2), third);
        snap("TrainingRecord.record, which replaces a later claim");
    }
}
