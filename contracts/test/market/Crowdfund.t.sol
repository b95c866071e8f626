// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ICrowdfund} from "../../src/ICrowdfund.sol";
import {IJobs} from "../../src/IJobs.sol";
import {IPayments} from "../../src/IPayments.sol";
import {MarketFixture} from "./MarketFixture.sol";
import {CallbackToken, FeeOnTransferToken, NoReturnToken, PausableToken} from "./TestTokens.sol";

contract CrowdfundTest is MarketFixture {
    address private constant A = address(0xAA);
    address private constant B = address(0xBB);
    address private constant C = address(0xCC);

    function setUp() public {
        deployMarket();
        fund(A);
        fund(B);
        fund(C);
    }

    function start(uint256 seed, address asset) private returns (uint256) {
        return startWith(orderOf(seed, asset));
    }

    function startWith(IJobs.Order memory order) private returns (uint256) {
        vm.prank(OTHER);
        return crowdfund.start(order, uint40(block.timestamp + 1 days));
    }

    function pledge(address who, uint256 campaign, uint256 amount) private returns (uint256) {
        address asset = crowdfund.campaignOf(campaign).order.token;
        vm.prank(who);
        return crowdfund.pledge{value: valueFor(asset, amount)}(campaign, amount);
    }

    function assertCampaignState(uint256 campaign, ICrowdfund.State state, string memory what) private view {
        assertEq(uint256(crowdfund.stateOf(campaign)), uint256(state), what);
    }

    function expectWrongState(ICrowdfund.State state) private {
        vm.expectRevert(abi.encodeWithSelector(ICrowdfund.WrongState.selector, state));
    }

    function completeJob(uint256 job, uint256 seed) private {
        claimAs(WORKER, job);
        deliver(WORKER, job, seed);
        passWindow();
        jobs.accept(job);
    }

    function test_collect_dividesSharesOfCoinCampaign() external {
        collectAndCheckShares(COIN);
    }

    function test_collect_dividesSharesOfTokenCampaign() external {
        collectAndCheckShares(address(token));
    }

    function collectAndCheckShares(address asset) private {
        uint256 campaign = start(1, asset);
        assertCampaignState(campaign, ICrowdfund.State.Raising, "raising");
        uint256 first = pledge(A, campaign, 2.5 ether);
        expectWrongState(ICrowdfund.State.Raising);
        crowdfund.handOver(campaign);
        uint256 second = pledge(B, campaign, 7.5 ether);
        assertCampaignState(campaign, ICrowdfund.State.Reached, "reached");
        expectWrongState(ICrowdfund.State.Reached);
        crowdfund.refund(first);
        uint256 job = crowdfund.handOver(campaign);
        assertCampaignState(campaign, ICrowdfund.State.HandedOver, "handed over");
        assertEq(escrowBalance(job), 10 ether, "the job holds the price");
        assertEq(jobs.jobOf(job).requester, address(crowdfund), "requester");
        expectWrongState(ICrowdfund.State.HandedOver);
        crowdfund.handOver(campaign);
        expectWrongState(ICrowdfund.State.HandedOver);
        crowdfund.refund(first);
        expectWrongState(ICrowdfund.State.HandedOver);
        crowdfund.collect(first);
        completeJob(job, 1);
        assertCampaignState(campaign, ICrowdfund.State.Ended, "ended");
        crowdfund.collect(second);
        crowdfund.collect(first);
        uint256 model = jobs.modelOf(job);
        assertEq(ownership.balanceOf(A, model), 175_000, "shares of A: a quarter of 700,000");
        assertEq(ownership.balanceOf(B, model), 525_000, "shares of B: three quarters of 700,000");
        assertEq(ownership.balanceOf(WORKER, model), 300_000, "shares of the worker");
        assertEq(payments.creditOf(A, asset) + payments.creditOf(B, asset), 0, "no refund");
        vm.expectRevert(ICrowdfund.Settled.selector);
        crowdfund.collect(first);
    }

    function test_collect_includesEarningsFromBeforeCollection() external {
        uint256 campaign = start(1, COIN);
        uint256 first = pledge(A, campaign, 2.5 ether);
        uint256 second = pledge(B, campaign, 7.5 ether);
        uint256 job = crowdfund.handOver(campaign);
        completeJob(job, 1);
        uint256 model = jobs.modelOf(job);
        crowdfund.collect(first);
        vm.prank(REQUESTER);
        ownership.earn{value: 2 ether}(model, 2 ether);
        crowdfund.collect(second);
        assertEq(ownership.earnedBy(model, A), 0.35 ether, "A: earned by 175,000 shares");
        assertEq(ownership.earnedBy(model, B), 1.05 ether, "B: earned by 525,000 shares");
        assertEq(ownership.earnedBy(model, address(crowdfund)), 0, "Crowdfund keeps nothing");
    }

    function test_campaignsOf_equalsSingleViews() external {
        for (uint256 i; i < 3; ++i) {
            crowdfund.start(orderOf(i, COIN), uint40(block.timestamp + i + 1));
        }
        vm.prank(OTHER);
        crowdfund.pledge{value: 10 ether}(1, 10 ether);
        vm.prank(OTHER);
        crowdfund.pledge{value: 1 ether}(2, 1 ether);
        vm.prank(REQUESTER);
        crowdfund.pledge{value: 1 ether}(2, 1 ether);
        vm.warp(block.timestamp + 2);
        assertEq(crowdfund.campaignCount(), 3, "campaigns");
        uint256[] memory ids = new uint256[](3);
        (ids[0], ids[1], ids[2]) = (2, 0, 1);
        (ICrowdfund.Campaign[] memory list, ICrowdfund.State[] memory states) = crowdfund.campaignsOf(ids);
        ICrowdfund.Pledge[] memory pledges = crowdfund.pledgesOf(ids);
        for (uint256 i; i < 3; ++i) {
            assertEq(abi.encode(list[i]), abi.encode(crowdfund.campaignOf(ids[i])), "campaign");
            assertEq(uint256(states[i]), uint256(crowdfund.stateOf(ids[i])), "state");
            assertEq(abi.encode(pledges[i]), abi.encode(crowdfund.pledgeOf(ids[i])), "pledge");
        }
        assertEq(list[0].pledges, 2, "pledges");
        ids[0] = 3;
        vm.expectRevert(ICrowdfund.NotThere.selector);
        crowdfund.campaignsOf(ids);
        vm.expectRevert(ICrowdfund.NotThere.selector);
        crowdfund.pledgesOf(ids);
    }

    function test_refund_returnsEveryPledgeAfterDeadline() external {
        uint256 campaign = start(1, COIN);
        uint256 first = pledge(A, campaign, 2 ether);
        uint256 second = pledge(A, campaign, 3 ether);
        uint256 third = pledge(B, campaign, 4 ether);
        vm.warp(block.timestamp + 1 days);
        expectWrongState(ICrowdfund.State.Raising);
        crowdfund.refund(first);
        vm.warp(block.timestamp + 1);
        assertCampaignState(campaign, ICrowdfund.State.Failed, "failed");
        vm.prank(A);
        expectWrongState(ICrowdfund.State.Failed);
        crowdfund.pledge{value: 1 ether}(campaign, 1 ether);
        expectWrongState(ICrowdfund.State.Failed);
        crowdfund.handOver(campaign);
        // Anyone may refund a pledge; the money goes to the pledger.
        vm.prank(C);
        crowdfund.refund(third);
        crowdfund.refund(first);
        vm.expectRevert(ICrowdfund.Settled.selector);
        crowdfund.refund(first);
        crowdfund.refund(second);
        assertEq(payments.creditOf(A, COIN), 5 ether, "refund of A");
        assertEq(payments.creditOf(B, COIN), 4 ether, "refund of B");
        assertEq(payments.escrowOf(crowdfund.campaignOf(campaign).escrow).held, 0, "the escrow is empty");
        vm.expectRevert(ICrowdfund.Settled.selector);
        crowdfund.collect(first);
    }

    function test_handOver_succeedsIfReachedInLastSecond() external {
        uint256 campaign = start(1, COIN);
        vm.warp(block.timestamp + 1 days);
        pledge(A, campaign, 10 ether);
        vm.warp(block.timestamp + 7 days);
        crowdfund.handOver(campaign);
        assertCampaignState(campaign, ICrowdfund.State.HandedOver, "handed over");
    }

    function test_refund_succeedsIfNotHandedOverInTime() external {
        uint256 campaign = start(1, COIN);
        uint256 first = pledge(A, campaign, 10 ether);
        vm.warp(block.timestamp + 7 days + 1);
        expectWrongState(ICrowdfund.State.Failed);
        crowdfund.handOver(campaign);
        crowdfund.refund(first);
        assertEq(payments.creditOf(A, COIN), 10 ether, "refund");
    }

    /// @dev The token is paused when the job should be posted. The pledges are not stuck.
    function test_refund_succeedsIfTokenIsPaused() external {
        PausableToken pausableToken = new PausableToken();
        pausableToken.mint(A, 10 ether);
        approveAll(A, address(pausableToken));
        uint256 campaign = start(1, address(pausableToken));
        uint256 first = pledge(A, campaign, 10 ether);
        pausableToken.setPaused(true);
        vm.expectRevert();
        crowdfund.handOver(campaign);
        assertCampaignState(campaign, ICrowdfund.State.Reached, "still reached");
        vm.warp(block.timestamp + 8 days);
        crowdfund.refund(first);
        assertEq(payments.creditOf(A, address(pausableToken)), 10 ether, "refund");
    }

    function test_pledge_takesOnlyMissingAmount() external {
        uint256 campaign = start(1, COIN);
        pledge(A, campaign, 9 ether);
        uint256 second = pledge(B, campaign, 5 ether);
        assertEq(crowdfund.pledgeOf(second).amount, 1 ether, "the missing amount is pledged");
        assertEq(payments.creditOf(B, COIN), 4 ether, "the rest is credited");
        vm.prank(C);
        expectWrongState(ICrowdfund.State.Reached);
        crowdfund.pledge{value: 1}(campaign, 1);
        campaign = start(2, address(token));
        pledge(A, campaign, 9 ether);
        uint256 before = token.balanceOf(B);
        pledge(B, campaign, 5 ether);
        assertEq(before - token.balanceOf(B), 1 ether, "only the missing amount is taken");
        assertEq(payments.creditOf(B, address(token)), 0, "no credit in tokens");
    }

    function test_pledge_revertsIfDustDoesNotCompletePrice() external {
        uint256 campaign = start(1, COIN);
        vm.prank(A);
        vm.expectRevert(abi.encodeWithSelector(ICrowdfund.Dust.selector, 0.01 ether));
        crowdfund.pledge{value: 0.01 ether - 1}(campaign, 0.01 ether - 1);
        vm.prank(A);
        vm.expectRevert(abi.encodeWithSelector(ICrowdfund.Dust.selector, 0.01 ether));
        crowdfund.pledge(campaign, 0);
        pledge(A, campaign, 10 ether - 1);
        pledge(B, campaign, 1);
        assertCampaignState(campaign, ICrowdfund.State.Reached, "reached");
        uint256 job = crowdfund.handOver(campaign);
        completeJob(job, 1);
        crowdfund.collect(0);
        crowdfund.collect(1);
        uint256 model = jobs.modelOf(job);
        assertEq(ownership.balanceOf(A, model) + ownership.balanceOf(B, model), 700_000, "all shares");
    }

    /// @dev Two workers fail and forfeit their bonds, and the job expires.
    function test_collect_includesForfeitedBondsIfJobExpired() external {
        uint256 campaign = start(1, address(token));
        uint256 first = pledge(A, campaign, 2.5 ether);
        uint256 second = pledge(B, campaign, 7.5 ether);
        uint256 job = crowdfund.handOver(campaign);
        claimAs(WORKER, job);
        vm.warp(block.timestamp + 3 hours);
        claimAs(OTHER, job);
        defeatClaim(deliver(OTHER, job, 1), 1);
        vm.warp(block.timestamp + 2 days);
        jobs.expire(job);
        crowdfund.collect(first);
        crowdfund.collect(second);
        assertEq(payments.creditOf(A, address(token)), 3 ether, "A: a quarter of price and bonds");
        assertEq(payments.creditOf(B, address(token)), 9 ether, "B: three quarters of price and bonds");
        assertEq(payments.creditOf(address(crowdfund), address(token)), 0, "Crowdfund keeps nothing");
        assertEq(ownership.balanceOf(A, jobs.modelOf(job)), 0, "no model");
    }

    function test_collect_includesForfeitedBondsIfJobIsAccepted() external {
        uint256 campaign = start(1, COIN);
        uint256 first = pledge(A, campaign, 5 ether);
        uint256 second = pledge(B, campaign, 5 ether);
        uint256 job = crowdfund.handOver(campaign);
        claimAs(OTHER, job);
        vm.warp(block.timestamp + 3 hours);
        completeJob(job, 1);
        crowdfund.collect(first);
        crowdfund.collect(second);
        assertEq(payments.creditOf(A, COIN), 0.5 ether, "A: half the bond");
        assertEq(payments.creditOf(B, COIN), 0.5 ether, "B: half the bond");
        assertEq(ownership.balanceOf(A, jobs.modelOf(job)), 350_000, "shares of A");
    }

    /// @dev The requester of the job is Crowdfund, which never cancels.
    function test_cancel_revertsForJobOfCampaign() external {
        uint256 campaign = start(1, COIN);
        pledge(A, campaign, 10 ether);
        uint256 job = crowdfund.handOver(campaign);
        vm.prank(OTHER);
        vm.expectRevert(abi.encodeWithSelector(IJobs.OnlyBy.selector, address(crowdfund)));
        jobs.cancel(job);
    }

    function test_start_revertsIfOrderOrDeadlineIsInvalid() external {
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
        assertEq(address(crowdfund.payments()), address(payments), "payments");
        assertEq(crowdfund.MAX_PLEDGES(), 1000, "pledges");
    }

    function test_receive_revertsIfSenderIsNotPayments() external {
        vm.prank(A);
        (bool taken,) = address(crowdfund).call{value: 1}("");
        assertFalse(taken, "coin from another account is rejected");
    }

    function test_pledge_revertsIfValueIsWrong() external {
        uint256 campaign = start(1, COIN);
        vm.prank(A);
        vm.expectRevert(abi.encodeWithSelector(IPayments.WrongValue.selector, 2 ether, 1 ether));
        crowdfund.pledge{value: 1 ether}(campaign, 2 ether);
        FeeOnTransferToken fee = new FeeOnTransferToken();
        fee.mint(A, 10 ether);
        approveAll(A, address(fee));
        campaign = start(1, address(fee));
        vm.prank(A);
        vm.expectRevert(
            abi.encodeWithSelector(IPayments.NotReceivedInFull.selector, address(fee), 10 ether, 9.9 ether)
        );
        crowdfund.pledge(campaign, 10 ether);
    }

    function test_collect_returnsTokenWithoutReturnValue() external {
        NoReturnToken noReturnToken = new NoReturnToken();
        noReturnToken.mint(A, 10 ether);
        vm.prank(A);
        noReturnToken.approve(address(crowdfund), 10 ether);
        uint256 campaign = start(1, address(noReturnToken));
        pledge(A, campaign, 10 ether);
        uint256 job = crowdfund.handOver(campaign);
        vm.warp(block.timestamp + 2 days);
        jobs.expire(job);
        crowdfund.collect(0);
        vm.prank(A);
        payments.withdraw(address(noReturnToken), 10 ether, A);
        assertEq(noReturnToken.balanceOf(A), 10 ether, "refund");
    }

    /// @dev The token calls back and hands the campaign over during the pledge that completes it, before the
    /// money arrives.
    function test_handOver_blocksReentrancyFromToken() external {
        CallbackToken callbackToken = new CallbackToken();
        callbackToken.mint(A, 100 ether);
        approveAll(A, address(callbackToken));
        uint256 campaign = start(1, address(callbackToken));
        callbackToken.arm(address(crowdfund), abi.encodeCall(ICrowdfund.handOver, (campaign)));
        pledge(A, campaign, 10 ether);
        assertFalse(callbackToken.succeeded(), "the reentrant call reverts");
        assertCampaignState(campaign, ICrowdfund.State.Reached, "reached");
        crowdfund.handOver(campaign);
    }

    /// @dev However a price is pledged, the parts of any amount add up to it, and no part of the price is
    /// below the pledge.
    function testFuzz_partOf_addsUpToWhole(uint128 price, uint256 seed, uint128 whole) external {
        IJobs.Order memory order = orderOf(1, COIN);
        order.price = uint128(bound(price, 1, 100 ether));
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
            assertGe(part, crowdfund.pledgeOf(i).amount, "at least the pledge");
            back += part;
        }
        assertEq(sum, whole, "parts of the amount");
        assertEq(back, uint256(order.price) + whole, "parts of price and amount");
    }
}
