// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IJobs} from "../../src/IJobs.sol";
import {IPayments} from "../../src/IPayments.sol";
import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {MarketFixture} from "./MarketFixture.sol";
import {CallbackToken, FeeOnTransferToken} from "./TestTokens.sol";

/// @notice A requester that cannot receive coin or ERC-1155 tokens. It must not be able to block its job.
contract EmptyContract {}

contract JobsTest is MarketFixture {
    function setUp() public {
        deployMarket();
    }

    function test_accept_paysWorkerInCoin() external {
        acceptAndCheckPayments(COIN);
    }

    function test_accept_paysWorkerInTokens() external {
        acceptAndCheckPayments(address(token));
    }

    function acceptAndCheckPayments(address asset) private {
        uint256 job = post(1, asset);
        assertJobState(job, IJobs.State.Open, "open");
        assertEq(escrowBalance(job), 10 ether, "the escrow holds the price");
        claimAs(WORKER, job);
        assertEq(escrowBalance(job), 11 ether, "the escrow holds price and bond");
        uint256 claim = deliver(WORKER, job, 1);
        assertJobState(job, IJobs.State.Delivered, "delivered");
        assertEq(jobs.jobOf(job).claim, claim, "claim");
        passWindow();
        uint256 model = jobs.accept(job);
        assertEq(model, jobs.modelOf(job), "model id");
        assertEq(payments.creditOf(WORKER, asset), 11 ether, "price and bond");
        assertEq(payments.creditOf(REQUESTER, asset), 0, "no refund to the requester");
        assertEq(escrowBalance(job), 0, "the escrow is empty");
        assertEq(ownership.balanceOf(WORKER, model), 300_000, "shares of the worker");
        assertEq(ownership.balanceOf(REQUESTER, model), 700_000, "shares of the requester");
        assertEq(ownership.modelOf(model).root, rootAfter(1, 2), "root of the model");
        assertEq(ownership.modelOf(model).source, address(jobs), "source of the model");
        vm.expectRevert(abi.encodeWithSelector(IJobs.WrongState.selector, IJobs.State.Accepted));
        jobs.accept(job);
        vm.expectRevert(abi.encodeWithSelector(IJobs.WrongState.selector, IJobs.State.Accepted));
        jobs.expire(job);
        vm.expectRevert(IJobs.NotFailed.selector);
        jobs.reopen(job);
    }

    function test_accept_succeedsIfClaimIsSettled() external {
        uint256 job = post(1, COIN);
        claimAs(WORKER, job);
        uint256 claim = deliver(WORKER, job, 1);
        passWindow();
        disputes.settle(claim);
        jobs.accept(job);
        assertEq(payments.creditOf(WORKER, COIN), 11 ether, "price and bond");
    }

    function test_accept_revertsInWindowOrDuringGame() external {
        uint256 job = post(1, COIN);
        claimAs(WORKER, job);
        uint256 claim = deliver(WORKER, job, 1);
        vm.expectRevert(IDisputes.WindowOpen.selector);
        jobs.accept(job);
        IDisputes.Terms memory terms = termsOf(1);
        uint256 bond = disputes.challengeBond(terms);
        vm.prank(CHALLENGER);
        disputes.challenge{value: bond}(claim, terms);
        passWindow();
        vm.expectRevert(IDisputes.GamesLive.selector);
        jobs.accept(job);
        assertFalse(jobs.hasFailed(job), "not failed during a game");
    }

    function test_jobsOf_equalsSingleViews() external {
        uint256[] memory ids = new uint256[](3);
        (ids[0], ids[1], ids[2]) = (1, 0, 2);
        post(1, COIN);
        claimAs(WORKER, post(2, address(token)));
        vm.warp(block.timestamp + 3 hours);
        (IJobs.Job[] memory list, bool[] memory failed) = jobs.jobsOf(ids);
        for (uint256 i; i < 3; ++i) {
            assertEq(abi.encode(list[i]), abi.encode(jobs.jobOf(ids[i])), "job");
        }
        assertTrue(failed[0], "the worker is late");
        assertFalse(failed[1], "nobody has claimed it");
        assertFalse(failed[2], "there is none");
    }

    function test_reopen_forfeitsBondIfClaimIsLost() external {
        uint256 job = post(1, COIN);
        claimAs(WORKER, job);
        defeatClaim(deliver(WORKER, job, 1), 1);
        vm.expectRevert(IDisputes.AlreadyDecided.selector);
        jobs.accept(job);
        assertTrue(jobs.hasFailed(job), "failed once the claim is lost");
        jobs.reopen(job);
        assertJobState(job, IJobs.State.Open, "open");
        assertEq(jobs.jobOf(job).forfeited, 1 ether, "forfeited");
        // Another worker delivers.
        claimAs(OTHER, job);
        deliver(OTHER, job, 1);
        passWindow();
        jobs.accept(job);
        assertEq(payments.creditOf(OTHER, COIN), 11 ether, "price and bond of the second worker");
        assertEq(payments.creditOf(WORKER, COIN), 0, "nothing for the first worker");
        assertEq(payments.creditOf(REQUESTER, COIN), 1 ether, "the forfeited bond");
        assertEq(jobs.returned(job), 1 ether, "returned");
    }

    function test_claim_replacesLateWorkerAndForfeitsItsBond() external {
        uint256 job = post(1, COIN);
        claimAs(WORKER, job);
        vm.warp(block.timestamp + 2 hours);
        assertFalse(jobs.hasFailed(job), "not failed in the last second");
        vm.expectRevert(IJobs.NotFailed.selector);
        jobs.reopen(job);
        vm.warp(block.timestamp + 1);
        uint256 claim = claimRun(WORKER, 1);
        bytes32[] memory proof = proofOf(1, 2);
        vm.prank(WORKER);
        vm.expectRevert(abi.encodeWithSelector(IJobs.TooLate.selector, block.timestamp - 1));
        jobs.deliver(job, claim, termsOf(1), rootAfter(1, 2), proof);
        // `claim` reopens the job by itself.
        claimAs(OTHER, job);
        assertEq(jobs.jobOf(job).worker, OTHER, "the second worker");
        assertEq(escrowBalance(job), 12 ether, "price and two bonds");
    }

    function test_deliver_succeedsInLastSecond() external {
        uint256 job = post(1, COIN);
        claimAs(WORKER, job);
        vm.warp(jobs.jobOf(job).deliverBy);
        deliver(WORKER, job, 1);
        assertJobState(job, IJobs.State.Delivered, "delivered");
    }

    function test_claim_givesFullWorkTimeInLastSecond() external {
        uint256 job = post(1, COIN);
        vm.warp(jobs.jobOf(job).claimBy);
        vm.expectRevert(abi.encodeWithSelector(IJobs.TooEarly.selector, block.timestamp));
        jobs.expire(job);
        claimAs(WORKER, job);
        assertEq(jobs.jobOf(job).deliverBy, block.timestamp + 2 hours, "the full work time");
        vm.expectRevert(abi.encodeWithSelector(IJobs.WrongState.selector, IJobs.State.Claimed));
        jobs.expire(job);
    }

    function test_expire_returnsPriceIfJobIsUnclaimed() external {
        uint256 job = post(1, COIN);
        uint256 claimBy = jobs.jobOf(job).claimBy;
        vm.warp(claimBy + 1);
        vm.prank(WORKER);
        vm.expectRevert(abi.encodeWithSelector(IJobs.TooLate.selector, claimBy));
        jobs.claim{value: 1 ether}(job);
        assertEq(jobs.returned(job), 0, "nothing returned yet");
        jobs.expire(job);
        assertEq(payments.creditOf(REQUESTER, COIN), 10 ether, "the price");
        assertEq(jobs.returned(job), 10 ether, "returned");
        vm.expectRevert(abi.encodeWithSelector(IJobs.WrongState.selector, IJobs.State.Expired));
        jobs.expire(job);
    }

    function test_expire_returnsPriceAndBondOfLateWorker() external {
        uint256 job = post(1, address(token));
        claimAs(WORKER, job);
        vm.warp(jobs.jobOf(job).claimBy + 1);
        jobs.expire(job);
        assertEq(payments.creditOf(REQUESTER, address(token)), 11 ether, "price and bond");
        assertEq(escrowBalance(job), 0, "the escrow is empty");
    }

    function test_cancel_revertsIfNotRequesterOrJobIsClaimed() external {
        uint256 job = post(1, COIN);
        vm.prank(WORKER);
        vm.expectRevert(abi.encodeWithSelector(IJobs.OnlyBy.selector, REQUESTER));
        jobs.cancel(job);
        claimAs(WORKER, job);
        vm.prank(REQUESTER);
        vm.expectRevert(abi.encodeWithSelector(IJobs.WrongState.selector, IJobs.State.Claimed));
        jobs.cancel(job);
        deliver(WORKER, job, 1);
        passWindow();
        vm.prank(REQUESTER);
        vm.expectRevert(abi.encodeWithSelector(IJobs.WrongState.selector, IJobs.State.Delivered));
        jobs.cancel(job);
        jobs.accept(job);
    }

    function test_cancel_succeedsIfWorkerIsLate() external {
        uint256 job = post(1, COIN);
        claimAs(WORKER, job);
        vm.warp(block.timestamp + 3 hours);
        vm.prank(REQUESTER);
        jobs.cancel(job);
        assertEq(payments.creditOf(REQUESTER, COIN), 11 ether, "price and bond");
        assertJobState(job, IJobs.State.Cancelled, "cancelled");
    }

    function test_claim_revertsIfJobIsClaimed() external {
        uint256 job = post(1, COIN);
        claimAs(WORKER, job);
        vm.prank(OTHER);
        vm.expectRevert(abi.encodeWithSelector(IJobs.WrongState.selector, IJobs.State.Claimed));
        jobs.claim{value: 1 ether}(job);
        uint256 claim = claimRun(OTHER, 1);
        bytes32[] memory proof = proofOf(1, 2);
        vm.prank(OTHER);
        vm.expectRevert(abi.encodeWithSelector(IJobs.OnlyBy.selector, WORKER));
        jobs.deliver(job, claim, termsOf(1), rootAfter(1, 2), proof);
    }

    /// @dev Before the job nobody had a reason to check the claim, so it must not pay, however long it has
    /// stood.
    function test_deliver_revertsIfClaimIsOlderThanJobClaim() external {
        uint256 claim = claimRun(WORKER, 1);
        passWindow();
        disputes.settle(claim);
        uint256 job = post(1, COIN);
        claimAs(WORKER, job);
        assertDeliveryReverts(job, claim, 1);
        uint256 early = claimRun(WORKER, 1);
        vm.warp(block.timestamp + 3 hours);
        jobs.reopen(job);
        claimAs(WORKER, job);
        assertDeliveryReverts(job, early, 1);
    }

    function test_deliver_revertsIfClaimIsForeignOrLost() external {
        uint256 job = post(1, COIN);
        claimAs(WORKER, job);
        assertDeliveryReverts(job, claimRun(OTHER, 1), 1);
        assertDeliveryReverts(job, claimRun(WORKER, 2), 1);
        assertDeliveryReverts(job, claimRun(WORKER, 2), 2);
        uint256 lost = claimRun(WORKER, 1);
        IDisputes.Terms memory terms = termsOf(1);
        uint256 bond = disputes.challengeBond(terms);
        vm.prank(CHALLENGER);
        uint256 game = disputes.challenge{value: bond}(lost, terms);
        vm.warp(block.timestamp + 2 hours);
        // The claimant's budget and the worker's time end in the same second.
        _deliverLostClaim(job, lost, game);
    }

    function _deliverLostClaim(uint256 job, uint256 lost, uint256 game) private {
        vm.warp(block.timestamp + 1);
        disputes.timeout(game);
        jobs.reopen(job);
        claimAs(WORKER, job);
        assertDeliveryReverts(job, lost, 1);
    }

    function assertDeliveryReverts(uint256 job, uint256 claim, uint256 seed) private {
        bytes32[] memory proof = proofOf(seed, 2);
        vm.prank(WORKER);
        vm.expectRevert(abi.encodeWithSelector(IJobs.BadClaim.selector, claim));
        jobs.deliver(job, claim, termsOf(seed), rootAfter(seed, 2), proof);
    }

    function test_deliver_revertsIfRootIsNotLast() external {
        uint256 job = post(1, COIN);
        claimAs(WORKER, job);
        uint256 claim = claimRun(WORKER, 1);
        for (uint256 step; step < 2; ++step) {
            bytes32[] memory proof = proofOf(1, step);
            vm.prank(WORKER);
            vm.expectRevert(IJobs.NotTheLastRoot.selector);
            jobs.deliver(job, claim, termsOf(1), rootAfter(1, step), proof);
        }
        bytes32[] memory last = proofOf(1, 2);
        vm.prank(WORKER);
        vm.expectRevert(IJobs.NotTheLastRoot.selector);
        jobs.deliver(job, claim, termsOf(1), keccak256("another"), last);
        // The sibling on the left is a node, and no root of a checkpoint.
        bytes32 node = last[0];
        vm.prank(WORKER);
        vm.expectRevert(IJobs.NotTheLastRoot.selector);
        jobs.deliver(job, claim, termsOf(1), node, last);
        deliverClaim(WORKER, job, 1, claim);
    }

    function test_post_revertsIfOrderIsInvalid() external {
        IJobs.Order memory good = orderOf(1, COIN);
        IJobs.Order[7] memory bad;
        for (uint256 i; i < 7; ++i) {
            bad[i] = orderOf(1, COIN);
        }
        bad[0].terms = 0;
        bad[1].price = 0;
        bad[2].claimSeconds = 0;
        bad[3].workSeconds = 0;
        bad[4].claimSeconds = 365 days + 1;
        bad[5].workSeconds = 365 days + 1;
        bad[6].workerShares = 1_000_001;
        for (uint256 i; i < 7; ++i) {
            vm.expectRevert(IJobs.BadOrder.selector);
            jobs.post{value: good.price}(bad[i]);
        }
        good.token = address(0xBEEF);
        vm.expectRevert(abi.encodeWithSelector(IPayments.NotAToken.selector, address(0xBEEF)));
        jobs.check(good);
        vm.expectRevert(abi.encodeWithSelector(IJobs.WrongState.selector, IJobs.State.None));
        jobs.expire(0);
        assertJobState(0, IJobs.State.None, "none");
    }

    function test_postAndClaim_revertIfValueIsWrong() external {
        IJobs.Order memory order = orderOf(1, COIN);
        vm.prank(REQUESTER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.WrongValue.selector, 10 ether, 9 ether));
        jobs.post{value: 9 ether}(order);
        order.token = address(token);
        vm.prank(REQUESTER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.WrongValue.selector, 0, 1));
        jobs.post{value: 1}(order);
        uint256 job = post(1, COIN);
        vm.prank(WORKER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.WrongValue.selector, 1 ether, 0));
        jobs.claim(job);
    }

    function test_post_revertsIfTokenTakesFee() external {
        FeeOnTransferToken fee = new FeeOnTransferToken();
        fee.mint(REQUESTER, 100 ether);
        approveAll(REQUESTER, address(fee));
        IJobs.Order memory order = orderOf(1, address(fee));
        vm.prank(REQUESTER);
        vm.expectRevert(
            abi.encodeWithSelector(IPayments.NotReceivedInFull.selector, address(fee), 10 ether, 9.9 ether)
        );
        jobs.post(order);
    }

    function test_claim_acceptsZeroBond() external {
        IJobs.Order memory order = orderOf(1, COIN);
        order.bond = 0;
        vm.prank(REQUESTER);
        uint256 job = jobs.post{value: order.price}(order);
        vm.prank(WORKER);
        jobs.claim(job);
        vm.warp(block.timestamp + 3 hours);
        jobs.reopen(job);
        assertEq(jobs.jobOf(job).forfeited, 0, "no bond to forfeit");
    }

    function test_accept_givesAllSharesToOneSide() external {
        for (uint256 side; side < 2; ++side) {
            IJobs.Order memory order = orderOf(side, COIN);
            order.workerShares = uint32(side * TOTAL);
            vm.prank(REQUESTER);
            uint256 job = jobs.post{value: order.price}(order);
            claimAs(WORKER, job);
            deliver(WORKER, job, side);
            passWindow();
            uint256 model = jobs.accept(job);
            assertEq(ownership.balanceOf(WORKER, model), side * TOTAL, "the worker's shares");
            assertEq(ownership.balanceOf(REQUESTER, model), (1 - side) * TOTAL, "the requester's shares");
        }
    }

    function test_accept_succeedsIfRequesterCannotReceive() external {
        address requester = address(new EmptyContract());
        vm.deal(requester, 100 ether);
        IJobs.Order memory order = orderOf(1, COIN);
        vm.prank(requester);
        uint256 job = jobs.post{value: order.price}(order);
        claimAs(WORKER, job);
        deliver(WORKER, job, 1);
        passWindow();
        uint256 model = jobs.accept(job);
        assertEq(ownership.balanceOf(requester, model), 700_000, "shares of the requester");
        assertEq(payments.creditOf(WORKER, COIN), 11 ether, "the worker is paid");
    }

    /// @dev The token calls back and claims the job again while the bond of the first claim is being
    /// transferred.
    function test_claim_blocksReentrancyFromToken() external {
        CallbackToken callbackToken = new CallbackToken();
        callbackToken.mint(REQUESTER, 100 ether);
        callbackToken.mint(WORKER, 100 ether);
        approveAll(REQUESTER, address(callbackToken));
        approveAll(WORKER, address(callbackToken));
        uint256 job = post(1, address(callbackToken));
        callbackToken.arm(address(jobs), abi.encodeCall(IJobs.claim, (job)));
        claimAs(WORKER, job);
        assertFalse(callbackToken.succeeded(), "the reentrant call reverts");
        assertEq(jobs.jobOf(job).worker, WORKER, "one worker");
        assertEq(escrowBalance(job), 11 ether, "one bond");
    }

    function testFuzz_job_paysOutEveryDepositOnce(uint256 seed, uint128 price, uint128 bond) external {
        price = uint128(bound(price, 1, 400 ether));
        bond = uint128(bound(bond, 0, 100 ether));
        IJobs.Order memory order = orderOf(seed, COIN);
        (order.price, order.bond) = (price, bond);
        vm.prank(REQUESTER);
        uint256 job = jobs.post{value: price}(order);
        uint256 failures = seed % 3;
        for (uint256 i; i < failures; ++i) {
            claimAs(OTHER, job);
            if (seed >> (8 + i) & 1 == 0) vm.warp(jobs.jobOf(job).deliverBy + 1);
            else defeatClaim(deliver(OTHER, job, seed), seed);
        }
        bool done = seed >> 16 & 1 == 0;
        if (done) {
            claimAs(WORKER, job);
            deliver(WORKER, job, seed);
            passWindow();
            jobs.accept(job);
        } else {
            vm.warp(uint256(jobs.jobOf(job).claimBy) + 1 days);
            jobs.expire(job);
        }
        assertEq(payments.creditOf(WORKER, COIN), done ? uint256(price) + bond : 0, "credit of the worker");
        assertEq(
            payments.creditOf(REQUESTER, COIN),
            failures * bond + (done ? 0 : price),
            "credit of the requester"
        );
        assertEq(jobs.returned(job), failures * bond + (done ? 0 : price), "returned");
        assertEq(escrowBalance(job), 0, "the escrow is empty");
        assertEq(
            address(payments).balance,
            uint256(price) + bond * failures + (done ? bond : 0),
            "balance of Payments"
        );
        assertEq(address(jobs).balance, 0, "balance of Jobs");
    }
}
