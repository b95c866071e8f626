// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IJobs} from "../../src/IJobs.sol";
import {IPayments} from "../../src/IPayments.sol";
import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {Market} from "./Market.sol";
import {FeeToken, HookToken} from "./Tokens.sol";

/// @notice A worker that is a contract without a word for ERC-1155 or coin: it must not be able to hold a job up.
contract Mute {}

contract JobsTest is Market {
    function setUp() public {
        deployMarket();
    }

    function test_paidWhenTheClaimStands() external {
        paid(COIN);
    }

    function test_paidInTokens() external {
        paid(address(token));
    }

    function paid(address which) private {
        uint256 job = post(1, which);
        isState(job, IJobs.State.Open, "open");
        eq(held(job), 10 ether, "the price is in");
        take(WORKER, job);
        eq(held(job), 11 ether, "and the bond");
        uint256 claim = deliver(WORKER, job, 1);
        isState(job, IJobs.State.Delivered, "delivered");
        eq(jobs.jobOf(job).claim, claim, "the claim");
        passWindow();
        uint256 model = jobs.accept(job);
        eq(model, jobs.modelOf(job), "known before");
        eq(payments.creditOf(WORKER, which), 11 ether, "price and bond");
        eq(payments.creditOf(ASKER, which), 0, "nothing back");
        eq(held(job), 0, "all paid");
        eq(ownership.balanceOf(WORKER, model), 300_000, "by contribution");
        eq(ownership.balanceOf(ASKER, model), 700_000, "by funding");
        eq(ownership.modelOf(model).root, rootAfter(1, 2), "the last root");
        eq(ownership.modelOf(model).source, address(jobs), "from here");
        vm.expectRevert(abi.encodeWithSelector(IJobs.WrongState.selector, IJobs.State.Accepted));
        jobs.accept(job);
        vm.expectRevert(abi.encodeWithSelector(IJobs.WrongState.selector, IJobs.State.Accepted));
        jobs.expire(job);
        vm.expectRevert(IJobs.NotFailed.selector);
        jobs.reopen(job);
    }

    function test_acceptsAClaimThatIsSettledAlready() external {
        uint256 job = post(1, COIN);
        take(WORKER, job);
        uint256 claim = deliver(WORKER, job, 1);
        passWindow();
        disputes.settle(claim);
        jobs.accept(job);
        eq(payments.creditOf(WORKER, COIN), 11 ether, "paid");
    }

    function test_neitherBeforeTheWindowNorDuringAGame() external {
        uint256 job = post(1, COIN);
        take(WORKER, job);
        uint256 claim = deliver(WORKER, job, 1);
        vm.expectRevert(IDisputes.WindowOpen.selector);
        jobs.accept(job);
        IDisputes.Terms memory terms = termsOf(1);
        uint256 bond = disputes.challengeBond(terms);
        cheats.prank(DOUBTER);
        disputes.challenge{value: bond}(claim, terms);
        passWindow();
        vm.expectRevert(IDisputes.GamesLive.selector);
        jobs.accept(job);
        no(jobs.hasFailed(job), "still on");
    }

    function test_aLostClaimForfeitsTheBondAndReopensTheJob() external {
        uint256 job = post(1, COIN);
        take(WORKER, job);
        beat(deliver(WORKER, job, 1), 1);
        vm.expectRevert(IDisputes.AlreadyDecided.selector);
        jobs.accept(job);
        yes(jobs.hasFailed(job), "failed");
        jobs.reopen(job);
        isState(job, IJobs.State.Open, "open again");
        eq(jobs.jobOf(job).forfeited, 1 ether, "forfeited");
        // The next one delivers.
        take(OTHER, job);
        deliver(OTHER, job, 1);
        passWindow();
        jobs.accept(job);
        eq(payments.creditOf(OTHER, COIN), 11 ether, "its own bond and the price");
        eq(payments.creditOf(WORKER, COIN), 0, "nothing for the first");
        eq(payments.creditOf(ASKER, COIN), 1 ether, "the lost bond");
        eq(jobs.returned(job), 1 ether, "as it says");
    }

    function test_aSleeperLosesItsBondAndTheNextTakesOver() external {
        uint256 job = post(1, COIN);
        take(WORKER, job);
        vm.warp(block.timestamp + 2 hours);
        no(jobs.hasFailed(job), "to the last second");
        vm.expectRevert(IJobs.NotFailed.selector);
        jobs.reopen(job);
        vm.warp(block.timestamp + 1);
        uint256 claim = claimWork(WORKER, 1);
        bytes32[] memory proof = proofOf(1, 2);
        cheats.prank(WORKER);
        vm.expectRevert(abi.encodeWithSelector(IJobs.TooLate.selector, block.timestamp - 1));
        jobs.deliver(job, claim, termsOf(1), rootAfter(1, 2), proof);
        // Without a reopen in between.
        take(OTHER, job);
        eq(jobs.jobOf(job).worker, OTHER, "taken over");
        eq(held(job), 12 ether, "price and two bonds");
    }

    function test_deliversInTheLastSecond() external {
        uint256 job = post(1, COIN);
        take(WORKER, job);
        vm.warp(jobs.jobOf(job).deliverBy);
        deliver(WORKER, job, 1);
        isState(job, IJobs.State.Delivered, "delivered");
    }

    function test_claimedInTheLastSecondGetsItsWholeTime() external {
        uint256 job = post(1, COIN);
        vm.warp(jobs.jobOf(job).claimBy);
        vm.expectRevert(abi.encodeWithSelector(IJobs.TooEarly.selector, block.timestamp));
        jobs.expire(job);
        take(WORKER, job);
        eq(jobs.jobOf(job).deliverBy, block.timestamp + 2 hours, "whole time");
        vm.expectRevert(abi.encodeWithSelector(IJobs.WrongState.selector, IJobs.State.Claimed));
        jobs.expire(job);
    }

    function test_expiresWhenNobodyClaims() external {
        uint256 job = post(1, COIN);
        uint256 claimBy = jobs.jobOf(job).claimBy;
        vm.warp(claimBy + 1);
        cheats.prank(WORKER);
        vm.expectRevert(abi.encodeWithSelector(IJobs.TooLate.selector, claimBy));
        jobs.claim{value: 1 ether}(job);
        eq(jobs.returned(job), 0, "not yet");
        jobs.expire(job);
        eq(payments.creditOf(ASKER, COIN), 10 ether, "the price");
        eq(jobs.returned(job), 10 ether, "as it says");
        vm.expectRevert(abi.encodeWithSelector(IJobs.WrongState.selector, IJobs.State.Expired));
        jobs.expire(job);
    }

    function test_expiresWithTheBondOfTheOneWhoFailedLast() external {
        uint256 job = post(1, address(token));
        take(WORKER, job);
        vm.warp(jobs.jobOf(job).claimBy + 1);
        jobs.expire(job);
        eq(payments.creditOf(ASKER, address(token)), 11 ether, "price and bond");
        eq(held(job), 0, "all of it");
    }

    function test_takenBackOnlyByItsRequesterAndOnlyWhenNobodyHoldsIt() external {
        uint256 job = post(1, COIN);
        cheats.prank(WORKER);
        vm.expectRevert(abi.encodeWithSelector(IJobs.OnlyBy.selector, ASKER));
        jobs.cancel(job);
        take(WORKER, job);
        cheats.prank(ASKER);
        vm.expectRevert(abi.encodeWithSelector(IJobs.WrongState.selector, IJobs.State.Claimed));
        jobs.cancel(job);
        deliver(WORKER, job, 1);
        passWindow();
        cheats.prank(ASKER);
        vm.expectRevert(abi.encodeWithSelector(IJobs.WrongState.selector, IJobs.State.Delivered));
        jobs.cancel(job);
        jobs.accept(job);
    }

    function test_takenBackFromASleeper() external {
        uint256 job = post(1, COIN);
        take(WORKER, job);
        vm.warp(block.timestamp + 3 hours);
        cheats.prank(ASKER);
        jobs.cancel(job);
        eq(payments.creditOf(ASKER, COIN), 11 ether, "price and bond");
        isState(job, IJobs.State.Cancelled, "cancelled");
    }

    function test_onlyOneHoldsIt() external {
        uint256 job = post(1, COIN);
        take(WORKER, job);
        cheats.prank(OTHER);
        vm.expectRevert(abi.encodeWithSelector(IJobs.WrongState.selector, IJobs.State.Claimed));
        jobs.claim{value: 1 ether}(job);
        uint256 claim = claimWork(OTHER, 1);
        bytes32[] memory proof = proofOf(1, 2);
        cheats.prank(OTHER);
        vm.expectRevert(abi.encodeWithSelector(IJobs.OnlyBy.selector, WORKER));
        jobs.deliver(job, claim, termsOf(1), rootAfter(1, 2), proof);
    }

    /// @dev A false claim made while nobody had a reason to look must not pay, however long it has stood.
    function test_aClaimFromBeforeThePromiseDoesNotPay() external {
        uint256 claim = claimWork(WORKER, 1);
        passWindow();
        disputes.settle(claim);
        uint256 job = post(1, COIN);
        take(WORKER, job);
        refused(job, claim, 1);
        uint256 early = claimWork(WORKER, 1);
        vm.warp(block.timestamp + 3 hours);
        jobs.reopen(job);
        take(WORKER, job);
        refused(job, early, 1);
    }

    function test_aClaimOfAnotherOrUnderOtherTermsOrLostDoesNotPay() external {
        uint256 job = post(1, COIN);
        take(WORKER, job);
        refused(job, claimWork(OTHER, 1), 1);
        refused(job, claimWork(WORKER, 2), 1);
        refused(job, claimWork(WORKER, 2), 2);
        uint256 lost = claimWork(WORKER, 1);
        IDisputes.Terms memory terms = termsOf(1);
        uint256 bond = disputes.challengeBond(terms);
        cheats.prank(DOUBTER);
        uint256 game = disputes.challenge{value: bond}(lost, terms);
        vm.warp(block.timestamp + 2 hours);
        // To the second: the claimant's clock is over after its budget, and the job's time with it.
        lostWithin(job, lost, game);
    }

    function lostWithin(uint256 job, uint256 lost, uint256 game) private {
        vm.warp(block.timestamp + 1);
        disputes.timeout(game);
        jobs.reopen(job);
        take(WORKER, job);
        refused(job, lost, 1);
    }

    function refused(uint256 job, uint256 claim, uint256 seed) private {
        bytes32[] memory proof = proofOf(seed, 2);
        cheats.prank(WORKER);
        vm.expectRevert(abi.encodeWithSelector(IJobs.BadClaim.selector, claim));
        jobs.deliver(job, claim, termsOf(seed), rootAfter(seed, 2), proof);
    }

    function test_onlyTheLastRootIsDelivered() external {
        uint256 job = post(1, COIN);
        take(WORKER, job);
        uint256 claim = claimWork(WORKER, 1);
        for (uint256 step; step < 2; ++step) {
            bytes32[] memory proof = proofOf(1, step);
            cheats.prank(WORKER);
            vm.expectRevert(IJobs.NotTheLastRoot.selector);
            jobs.deliver(job, claim, termsOf(1), rootAfter(1, step), proof);
        }
        bytes32[] memory last = proofOf(1, 2);
        cheats.prank(WORKER);
        vm.expectRevert(IJobs.NotTheLastRoot.selector);
        jobs.deliver(job, claim, termsOf(1), keccak256("another"), last);
        deliverClaim(WORKER, job, 1, claim);
    }

    function test_ordersThatCannotBeAreRefused() external {
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
        isState(0, IJobs.State.None, "none");
    }

    function test_priceAndBondComeInFull() external {
        IJobs.Order memory order = orderOf(1, COIN);
        cheats.prank(ASKER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.WrongValue.selector, 10 ether, 9 ether));
        jobs.post{value: 9 ether}(order);
        order.token = address(token);
        cheats.prank(ASKER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.WrongValue.selector, 0, 1));
        jobs.post{value: 1}(order);
        uint256 job = post(1, COIN);
        cheats.prank(WORKER);
        vm.expectRevert(abi.encodeWithSelector(IPayments.WrongValue.selector, 1 ether, 0));
        jobs.claim(job);
    }

    function test_aFeeOnTransfersIsRefused() external {
        FeeToken fee = new FeeToken();
        fee.mint(ASKER, 100 ether);
        approveAll(ASKER, address(fee));
        IJobs.Order memory order = orderOf(1, address(fee));
        cheats.prank(ASKER);
        vm.expectRevert(
            abi.encodeWithSelector(IPayments.NotReceivedInFull.selector, address(fee), 10 ether, 9.9 ether)
        );
        jobs.post(order);
    }

    function test_aBondOfNothingAsksForNothing() external {
        IJobs.Order memory order = orderOf(1, COIN);
        order.bond = 0;
        cheats.prank(ASKER);
        uint256 job = jobs.post{value: order.price}(order);
        cheats.prank(WORKER);
        jobs.claim(job);
        vm.warp(block.timestamp + 3 hours);
        jobs.reopen(job);
        eq(jobs.jobOf(job).forfeited, 0, "nothing");
    }

    /// @dev All shares to one side, each way.
    function test_allSharesToOneSide() external {
        for (uint256 side; side < 2; ++side) {
            IJobs.Order memory order = orderOf(side, COIN);
            order.workerShares = uint32(side * TOTAL);
            cheats.prank(ASKER);
            uint256 job = jobs.post{value: order.price}(order);
            take(WORKER, job);
            deliver(WORKER, job, side);
            passWindow();
            uint256 model = jobs.accept(job);
            eq(ownership.balanceOf(WORKER, model), side * TOTAL, "the worker's");
            eq(ownership.balanceOf(ASKER, model), (1 - side) * TOTAL, "the requester's");
        }
    }

    function test_contractsThatKnowNothingHoldNothingUp() external {
        address mute = address(new Mute());
        cheats.deal(mute, 100 ether);
        IJobs.Order memory order = orderOf(1, COIN);
        cheats.prank(mute);
        uint256 job = jobs.post{value: order.price}(order);
        take(WORKER, job);
        deliver(WORKER, job, 1);
        passWindow();
        uint256 model = jobs.accept(job);
        eq(ownership.balanceOf(mute, model), 700_000, "has its shares");
        eq(payments.creditOf(WORKER, COIN), 11 ether, "and the worker is paid");
    }

    /// @dev A token whose hook tries to claim the job a second time while the bond of the first claim is on its way.
    function test_aHookClaimsNothingOnTheSide() external {
        HookToken hook = new HookToken();
        hook.mint(ASKER, 100 ether);
        hook.mint(WORKER, 100 ether);
        approveAll(ASKER, address(hook));
        approveAll(WORKER, address(hook));
        uint256 job = post(1, address(hook));
        hook.arm(address(jobs), abi.encodeCall(IJobs.claim, (job)));
        take(WORKER, job);
        no(hook.succeeded(), "guarded");
        eq(jobs.jobOf(job).worker, WORKER, "one worker");
        eq(held(job), 11 ether, "one bond");
    }

    function testFuzz_whateverHappensTheMoneyComesOutOnce(uint256 seed, uint128 price, uint128 bond)
        external
    {
        price = uint128(within(price, 1, 400 ether));
        bond = uint128(within(bond, 0, 100 ether));
        IJobs.Order memory order = orderOf(seed, COIN);
        (order.price, order.bond) = (price, bond);
        cheats.prank(ASKER);
        uint256 job = jobs.post{value: price}(order);
        uint256 failures = seed % 3;
        for (uint256 i; i < failures; ++i) {
            take(OTHER, job);
            if (seed >> (8 + i) & 1 == 0) vm.warp(jobs.jobOf(job).deliverBy + 1);
            else beat(deliver(OTHER, job, seed), seed);
        }
        bool done = seed >> 16 & 1 == 0;
        if (done) {
            take(WORKER, job);
            deliver(WORKER, job, seed);
            passWindow();
            jobs.accept(job);
        } else {
            vm.warp(uint256(jobs.jobOf(job).claimBy) + 1 days);
            jobs.expire(job);
        }
        eq(payments.creditOf(WORKER, COIN), done ? uint256(price) + bond : 0, "the worker's");
        eq(payments.creditOf(ASKER, COIN), failures * bond + (done ? 0 : price), "the requester's");
        eq(jobs.returned(job), failures * bond + (done ? 0 : price), "as it says");
        eq(held(job), 0, "nothing left");
        eq(address(payments).balance, uint256(price) + bond * failures + (done ? bond : 0), "conserved");
        eq(address(jobs).balance, 0, "nothing here");
    }
}
