// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ICrowdfund} from "../../src/ICrowdfund.sol";
import {IJobs} from "../../src/IJobs.sol";
import {IPayments} from "../../src/IPayments.sol";
import {Market} from "./Market.sol";
import {FeeToken, HookToken, PausableToken, SilentToken} from "./Tokens.sol";

contract CrowdfundTest is Market {
    address private constant A = address(0xAA);
    address private constant B = address(0xBB);
    address private constant C = address(0xCC);

    function setUp() public {
        deployMarket();
        fund(A);
        fund(B);
        fund(C);
    }

    function start(uint256 seed, address which) private returns (uint256) {
        return startWith(orderOf(seed, which));
    }

    function startWith(IJobs.Order memory order) private returns (uint256) {
        cheats.prank(OTHER);
        return crowdfund.start(order, uint40(block.timestamp + 1 days));
    }

    function pledge(address who, uint256 campaign, uint256 amount) private returns (uint256) {
        address which = crowdfund.campaignOf(campaign).order.token;
        cheats.prank(who);
        return crowdfund.pledge{value: value(which, amount)}(campaign, amount);
    }

    function isIn(uint256 campaign, ICrowdfund.State state, string memory what) private view {
        eq(uint256(crowdfund.stateOf(campaign)), uint256(state), what);
    }

    function wrong(ICrowdfund.State state) private {
        vm.expectRevert(abi.encodeWithSelector(ICrowdfund.WrongState.selector, state));
    }

    function trained(uint256 job, uint256 seed) private {
        take(WORKER, job);
        deliver(WORKER, job, seed);
        passWindow();
        jobs.accept(job);
    }

    function test_fundedByTwoTrainedAndOwned() external {
        funded(COIN);
    }

    function test_fundedInTokens() external {
        funded(address(token));
    }

    function funded(address which) private {
        uint256 campaign = start(1, which);
        isIn(campaign, ICrowdfund.State.Raising, "raising");
        uint256 first = pledge(A, campaign, 2.5 ether);
        wrong(ICrowdfund.State.Raising);
        crowdfund.handOver(campaign);
        uint256 second = pledge(B, campaign, 7.5 ether);
        isIn(campaign, ICrowdfund.State.Reached, "reached");
        wrong(ICrowdfund.State.Reached);
        crowdfund.refund(first);
        uint256 job = crowdfund.handOver(campaign);
        isIn(campaign, ICrowdfund.State.HandedOver, "handed over");
        eq(held(job), 10 ether, "the price is in the job");
        eq(jobs.jobOf(job).requester, address(crowdfund), "asked for by the campaign");
        wrong(ICrowdfund.State.HandedOver);
        crowdfund.handOver(campaign);
        wrong(ICrowdfund.State.HandedOver);
        crowdfund.refund(first);
        wrong(ICrowdfund.State.HandedOver);
        crowdfund.collect(first);
        trained(job, 1);
        isIn(campaign, ICrowdfund.State.Ended, "ended");
        crowdfund.collect(second);
        crowdfund.collect(first);
        uint256 model = jobs.modelOf(job);
        eq(ownership.balanceOf(A, model), 175_000, "a quarter of seven tenths");
        eq(ownership.balanceOf(B, model), 525_000, "three quarters");
        eq(ownership.balanceOf(WORKER, model), 300_000, "the worker's");
        eq(payments.creditOf(A, which) + payments.creditOf(B, which), 0, "no money back");
        vm.expectRevert(ICrowdfund.Settled.selector);
        crowdfund.collect(first);
    }

    function test_whatTheModelEarnsBeforeSharesAreCollectedIsNotLost() external {
        uint256 campaign = start(1, COIN);
        uint256 first = pledge(A, campaign, 2.5 ether);
        uint256 second = pledge(B, campaign, 7.5 ether);
        uint256 job = crowdfund.handOver(campaign);
        trained(job, 1);
        uint256 model = jobs.modelOf(job);
        crowdfund.collect(first);
        cheats.prank(ASKER);
        ownership.earn{value: 2 ether}(model, 2 ether);
        crowdfund.collect(second);
        eq(ownership.earnedBy(model, A), 0.35 ether, "on 175,000 shares");
        eq(ownership.earnedBy(model, B), 1.05 ether, "on 525,000, collected later");
        eq(ownership.earnedBy(model, address(crowdfund)), 0, "and nothing stays behind");
    }

    function test_missedGoesBackInFull() external {
        uint256 campaign = start(1, COIN);
        uint256 first = pledge(A, campaign, 2 ether);
        uint256 second = pledge(A, campaign, 3 ether);
        uint256 third = pledge(B, campaign, 4 ether);
        vm.warp(block.timestamp + 1 days);
        wrong(ICrowdfund.State.Raising);
        crowdfund.refund(first);
        vm.warp(block.timestamp + 1);
        isIn(campaign, ICrowdfund.State.Failed, "failed");
        cheats.prank(A);
        wrong(ICrowdfund.State.Failed);
        crowdfund.pledge{value: 1 ether}(campaign, 1 ether);
        wrong(ICrowdfund.State.Failed);
        crowdfund.handOver(campaign);
        // Anybody may, and it goes to the pledger.
        cheats.prank(C);
        crowdfund.refund(third);
        crowdfund.refund(first);
        vm.expectRevert(ICrowdfund.Settled.selector);
        crowdfund.refund(first);
        crowdfund.refund(second);
        eq(payments.creditOf(A, COIN), 5 ether, "hers");
        eq(payments.creditOf(B, COIN), 4 ether, "his");
        eq(payments.escrowOf(crowdfund.campaignOf(campaign).escrow).held, 0, "nothing left");
        vm.expectRevert(ICrowdfund.Settled.selector);
        crowdfund.collect(first);
    }

    function test_reachedInTheLastSecondAndHandedOverLater() external {
        uint256 campaign = start(1, COIN);
        vm.warp(block.timestamp + 1 days);
        pledge(A, campaign, 10 ether);
        vm.warp(block.timestamp + 7 days);
        crowdfund.handOver(campaign);
        isIn(campaign, ICrowdfund.State.HandedOver, "on");
    }

    function test_reachedAndNeverHandedOverGoesBack() external {
        uint256 campaign = start(1, COIN);
        uint256 first = pledge(A, campaign, 10 ether);
        vm.warp(block.timestamp + 7 days + 1);
        wrong(ICrowdfund.State.Failed);
        crowdfund.handOver(campaign);
        crowdfund.refund(first);
        eq(payments.creditOf(A, COIN), 10 ether, "back");
    }

    /// @dev A token stops just when the job should be posted: the pledges are not stuck.
    function test_aTokenThatStopsDoesNotTrapPledges() external {
        PausableToken stopping = new PausableToken();
        stopping.mint(A, 10 ether);
        approveAll(A, address(stopping));
        uint256 campaign = start(1, address(stopping));
        uint256 first = pledge(A, campaign, 10 ether);
        stopping.stop(true);
        cheats.expectRevert();
        crowdfund.handOver(campaign);
        isIn(campaign, ICrowdfund.State.Reached, "as before");
        vm.warp(block.timestamp + 8 days);
        crowdfund.refund(first);
        eq(payments.creditOf(A, address(stopping)), 10 ether, "back");
    }

    function test_moreThanIsMissingIsNotTaken() external {
        uint256 campaign = start(1, COIN);
        pledge(A, campaign, 9 ether);
        uint256 second = pledge(B, campaign, 5 ether);
        eq(crowdfund.pledgeOf(second).amount, 1 ether, "what was missing");
        eq(payments.creditOf(B, COIN), 4 ether, "the rest");
        cheats.prank(C);
        wrong(ICrowdfund.State.Reached);
        crowdfund.pledge{value: 1}(campaign, 1);
        campaign = start(2, address(token));
        pledge(A, campaign, 9 ether);
        uint256 before = token.balanceOf(B);
        pledge(B, campaign, 5 ether);
        eq(before - token.balanceOf(B), 1 ether, "only what was missing");
        eq(payments.creditOf(B, address(token)), 0, "no rest");
    }

    function test_dustIsNotTakenUnlessItCompletes() external {
        uint256 campaign = start(1, COIN);
        cheats.prank(A);
        vm.expectRevert(abi.encodeWithSelector(ICrowdfund.Dust.selector, 0.01 ether));
        crowdfund.pledge{value: 0.01 ether - 1}(campaign, 0.01 ether - 1);
        cheats.prank(A);
        vm.expectRevert(abi.encodeWithSelector(ICrowdfund.Dust.selector, 0.01 ether));
        crowdfund.pledge(campaign, 0);
        pledge(A, campaign, 10 ether - 1);
        pledge(B, campaign, 1);
        isIn(campaign, ICrowdfund.State.Reached, "complete");
        uint256 job = crowdfund.handOver(campaign);
        trained(job, 1);
        crowdfund.collect(0);
        crowdfund.collect(1);
        uint256 model = jobs.modelOf(job);
        eq(ownership.balanceOf(A, model) + ownership.balanceOf(B, model), 700_000, "all shares");
    }

    /// @dev Nobody delivers, and two workers leave their bonds.
    function test_anExpiredJobGivesMoreThanWasPledged() external {
        uint256 campaign = start(1, address(token));
        uint256 first = pledge(A, campaign, 2.5 ether);
        uint256 second = pledge(B, campaign, 7.5 ether);
        uint256 job = crowdfund.handOver(campaign);
        take(WORKER, job);
        vm.warp(block.timestamp + 3 hours);
        take(OTHER, job);
        beat(deliver(OTHER, job, 1), 1);
        vm.warp(block.timestamp + 2 days);
        jobs.expire(job);
        crowdfund.collect(first);
        crowdfund.collect(second);
        eq(payments.creditOf(A, address(token)), 3 ether, "a quarter of twelve");
        eq(payments.creditOf(B, address(token)), 9 ether, "three quarters");
        eq(payments.creditOf(address(crowdfund), address(token)), 0, "nothing stays behind");
        eq(ownership.balanceOf(A, jobs.modelOf(job)), 0, "no model");
    }

    function test_forfeitedBondsGoToThePledgesWhenTheJobIsDone() external {
        uint256 campaign = start(1, COIN);
        uint256 first = pledge(A, campaign, 5 ether);
        uint256 second = pledge(B, campaign, 5 ether);
        uint256 job = crowdfund.handOver(campaign);
        take(OTHER, job);
        vm.warp(block.timestamp + 3 hours);
        trained(job, 1);
        crowdfund.collect(first);
        crowdfund.collect(second);
        eq(payments.creditOf(A, COIN), 0.5 ether, "half the bond");
        eq(payments.creditOf(B, COIN), 0.5 ether, "half the bond");
        eq(ownership.balanceOf(A, jobs.modelOf(job)), 350_000, "and shares");
    }

    /// @dev Nobody can take the job of a campaign back: its requester has no such button.
    function test_nobodyCancelsTheJobOfACampaign() external {
        uint256 campaign = start(1, COIN);
        pledge(A, campaign, 10 ether);
        uint256 job = crowdfund.handOver(campaign);
        cheats.prank(OTHER);
        vm.expectRevert(abi.encodeWithSelector(IJobs.OnlyBy.selector, address(crowdfund)));
        jobs.cancel(job);
    }

    function test_whatCannotBePostedIsNotStarted() external {
        IJobs.Order memory order = orderOf(1, COIN);
        order.workSeconds = 0;
        vm.expectRevert(IJobs.BadOrder.selector);
        crowdfund.start(order, uint40(block.timestamp + 1));
        order = orderOf(1, COIN);
        uint256 latest = block.timestamp + 365 days;
        bytes memory bad = abi.encodeWithSelector(ICrowdfund.BadDeadline.selector, block.timestamp, latest);
        vm.expectRevert(bad);
        crowdfund.start(order, uint40(block.timestamp - 1));
        vm.expectRevert(bad);
        crowdfund.start(order, uint40(latest + 1));
        vm.expectRevert(ICrowdfund.NotThere.selector);
        crowdfund.stateOf(0);
        vm.expectRevert(ICrowdfund.NotThere.selector);
        crowdfund.pledgeOf(0);
        eq(address(crowdfund.payments()), address(payments), "payments");
        eq(crowdfund.MAX_PLEDGES(), 1000, "pledges");
    }

    function test_giftsAreNotTaken() external {
        cheats.prank(A);
        (bool taken,) = address(crowdfund).call{value: 1}("");
        no(taken, "no gifts");
    }

    function test_pledgesComeInFull() external {
        uint256 campaign = start(1, COIN);
        cheats.prank(A);
        vm.expectRevert(abi.encodeWithSelector(IPayments.WrongValue.selector, 2 ether, 1 ether));
        crowdfund.pledge{value: 1 ether}(campaign, 2 ether);
        FeeToken fee = new FeeToken();
        fee.mint(A, 10 ether);
        approveAll(A, address(fee));
        campaign = start(1, address(fee));
        cheats.prank(A);
        vm.expectRevert(
            abi.encodeWithSelector(IPayments.NotReceivedInFull.selector, address(fee), 10 ether, 9.9 ether)
        );
        crowdfund.pledge(campaign, 10 ether);
    }

    function test_aTokenThatAnswersNothingGoesAllTheWay() external {
        SilentToken silent = new SilentToken();
        silent.mint(A, 10 ether);
        cheats.prank(A);
        silent.approve(address(crowdfund), 10 ether);
        uint256 campaign = start(1, address(silent));
        pledge(A, campaign, 10 ether);
        uint256 job = crowdfund.handOver(campaign);
        vm.warp(block.timestamp + 2 days);
        jobs.expire(job);
        crowdfund.collect(0);
        cheats.prank(A);
        payments.withdraw(address(silent), 10 ether, A);
        eq(silent.balanceOf(A), 10 ether, "back");
    }

    /// @dev The token hands the campaign over in the middle of the pledge that completes it, before that money has come.
    function test_aHookHandsNothingOverThatIsNotThere() external {
        HookToken hook = new HookToken();
        hook.mint(A, 100 ether);
        approveAll(A, address(hook));
        uint256 campaign = start(1, address(hook));
        hook.arm(address(crowdfund), abi.encodeCall(ICrowdfund.handOver, (campaign)));
        pledge(A, campaign, 10 ether);
        no(hook.succeeded(), "guarded");
        isIn(campaign, ICrowdfund.State.Reached, "in order");
        crowdfund.handOver(campaign);
    }

    /// @dev However a price is pledged, the parts of anything add up to it, and nobody's part of the price is less than the pledge.
    function testFuzz_partsAddUp(uint128 price, uint256 seed, uint128 whole) external {
        IJobs.Order memory order = orderOf(1, COIN);
        order.price = uint128(within(price, 1, 100 ether));
        uint256 campaign = startWith(order);
        uint256 count;
        while (crowdfund.stateOf(campaign) == ICrowdfund.State.Raising) {
            uint256 missing = order.price - crowdfund.campaignOf(campaign).raised;
            uint256 amount =
                order.price / 1000 + 1 + uint256(keccak256(abi.encode(seed, count))) % (order.price / 4 + 1);
            pledge(count % 2 == 0 ? A : B, campaign, amount < missing ? amount : missing);
            ++count;
        }
        uint256 sum;
        uint256 back;
        for (uint256 i; i < count; ++i) {
            sum += crowdfund.partOf(i, whole);
            uint256 part = crowdfund.partOf(i, uint256(order.price) + whole);
            yes(part >= crowdfund.pledgeOf(i).amount, "at least the pledge");
            back += part;
        }
        eq(sum, whole, "the whole");
        eq(back, uint256(order.price) + whole, "price and more");
    }
}
