// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ICrowdfund} from "../../src/ICrowdfund.sol";
import {IJobs} from "../../src/IJobs.sol";
import {MarketFixture} from "./MarketFixture.sol";

/// @notice Four accounts act in random order, in coin and in a token. The counts kept here say what they
/// should have.
contract MarketHandler is MarketFixture {
    uint256 private constant ACCOUNTS = 4;

    uint256 public jobCount;
    uint256 public campaignCount;
    uint256 public pledgeCount;
    /// @notice Deposits less withdrawals.
    mapping(address asset => uint256) public inside;
    mapping(uint256 pledge => uint256) public paidBack;
    mapping(uint256 campaign => uint256) public refunded;
    mapping(uint256 job => uint256) public seedOf;
    mapping(uint256 campaign => uint256) public seedOfCampaign;

    constructor() {
        deployMarket();
        for (uint256 i; i < ACCOUNTS; ++i) {
            fund(account(i));
        }
    }

    function account(uint256 i) public pure returns (address) {
        return address(uint160(0x9E500 + (i % ACCOUNTS)));
    }

    function coinOrToken(uint256 draw) private view returns (address) {
        return draw % 2 == 0 ? COIN : address(token);
    }

    // ------------------------------------------------------------ actions

    function wait(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 6 hours));
    }

    function postJob(uint256 who, uint256 draw) external {
        if (jobCount >= 6) return;
        address asset = coinOrToken(draw);
        IJobs.Order memory order = someOrder(draw, asset);
        vm.prank(account(who));
        jobs.post{value: valueFor(asset, order.price)}(order);
        seedOf[jobCount++] = draw;
        inside[asset] += order.price;
    }

    function someOrder(uint256 draw, address asset) private pure returns (IJobs.Order memory order) {
        order = orderOf(draw, asset);
        order.price = uint128(bound(draw >> 8, 1, 3 ether));
        order.bond = uint128(bound(draw >> 80, 0, 1 ether));
        order.workerShares = uint32(bound(draw >> 160, 0, TOTAL));
        order.claimSeconds = 8 hours;
    }

    function startCampaign(uint256 who, uint256 draw) external {
        if (campaignCount >= 4) return;
        vm.prank(account(who));
        crowdfund.start(someOrder(draw, coinOrToken(draw)), uint40(block.timestamp + 12 hours));
        seedOfCampaign[campaignCount++] = draw;
    }

    function pledge(uint256 who, uint256 index, uint256 amount) external {
        if (campaignCount == 0) return;
        index %= campaignCount;
        if (crowdfund.stateOf(index) != ICrowdfund.State.Raising) return;
        ICrowdfund.Campaign memory c = crowdfund.campaignOf(index);
        uint256 missing = c.order.price - c.raised;
        // From the least amount that is accepted to more than is missing.
        uint256 least = (uint256(c.order.price) + 999) / 1000;
        if (least > missing) least = missing;
        amount = bound(amount, least, missing + 1 ether);
        address asset = c.order.token;
        vm.prank(account(who));
        uint256 id = crowdfund.pledge{value: valueFor(asset, amount)}(index, amount);
        assertEq(id, pledgeCount++, "pledges are numbered in order");
        inside[asset] += asset == COIN || amount < missing ? amount : missing;
    }

    function handOver(uint256 index) external {
        if (campaignCount == 0) return;
        index %= campaignCount;
        if (crowdfund.stateOf(index) != ICrowdfund.State.Reached) return;
        uint256 job = crowdfund.handOver(index);
        assertEq(job, jobCount++, "jobs are numbered in order");
        seedOf[job] = seedOfCampaign[index];
    }

    function claimJob(uint256 who, uint256 index) external {
        if (jobCount == 0) return;
        index %= jobCount;
        IJobs.Job memory j = jobs.jobOf(index);
        bool open = j.state == IJobs.State.Open || jobs.hasFailed(index);
        if (!open || block.timestamp > j.claimBy) return;
        claimAs(account(who), index);
        inside[j.token] += j.bond;
    }

    function deliverJob(uint256 index) external {
        if (jobCount == 0) return;
        index %= jobCount;
        IJobs.Job memory j = jobs.jobOf(index);
        if (j.state != IJobs.State.Claimed || block.timestamp > j.deliverBy) return;
        deliver(j.worker, index, seedOf[index]);
    }

    function defeatJob(uint256 index) external {
        if (jobCount == 0) return;
        index %= jobCount;
        IJobs.Job memory j = jobs.jobOf(index);
        if (j.state != IJobs.State.Delivered || jobs.hasFailed(index)) return;
        if (block.timestamp > disputes.claimOf(j.claim).windowEnd) return;
        defeatClaim(j.claim, seedOf[index]);
    }

    function acceptJob(uint256 index) external {
        if (jobCount == 0) return;
        index %= jobCount;
        IJobs.Job memory j = jobs.jobOf(index);
        if (j.state != IJobs.State.Delivered || jobs.hasFailed(index)) return;
        if (block.timestamp <= disputes.claimOf(j.claim).windowEnd) passWindow();
        jobs.accept(index);
    }

    function reopenJob(uint256 index) external {
        if (jobCount == 0) return;
        index %= jobCount;
        if (jobs.hasFailed(index)) jobs.reopen(index);
    }

    function expireJob(uint256 index) public {
        if (jobCount == 0) return;
        index %= jobCount;
        IJobs.Job memory j = jobs.jobOf(index);
        bool open = j.state == IJobs.State.Open || jobs.hasFailed(index);
        if (open && block.timestamp > j.claimBy) jobs.expire(index);
    }

    function cancelJob(uint256 index) external {
        if (jobCount == 0) return;
        index %= jobCount;
        IJobs.Job memory j = jobs.jobOf(index);
        bool open = j.state == IJobs.State.Open || jobs.hasFailed(index);
        if (!open || j.requester == address(crowdfund)) return;
        vm.prank(j.requester);
        jobs.cancel(index);
    }

    function settlePledge(uint256 index) public {
        if (pledgeCount == 0) return;
        index %= pledgeCount;
        ICrowdfund.Pledge memory p = crowdfund.pledgeOf(index);
        ICrowdfund.State state = crowdfund.stateOf(p.campaign);
        if (p.settled) return;
        address asset = crowdfund.campaignOf(p.campaign).order.token;
        uint256 before = payments.creditOf(p.pledger, asset);
        if (state == ICrowdfund.State.Failed) {
            crowdfund.refund(index);
            refunded[p.campaign] += p.amount;
        } else if (state == ICrowdfund.State.Ended) {
            crowdfund.collect(index);
        } else {
            return;
        }
        paidBack[index] = payments.creditOf(p.pledger, asset) - before;
    }

    function withdraw(uint256 who, uint256 draw) public {
        address asset = coinOrToken(draw);
        uint256 credit = payments.creditOf(account(who), asset);
        if (credit == 0) return;
        uint256 amount = bound(draw >> 8, 1, credit);
        vm.prank(account(who));
        payments.withdraw(asset, amount, account(who));
        inside[asset] -= amount;
    }

    function giveShares(uint256 from, uint256 to, uint256 index, uint256 amount) external {
        if (jobCount == 0) return;
        uint256 model = jobs.modelOf(index % jobCount);
        uint256 shares = ownership.balanceOf(account(from), model);
        vm.prank(account(from));
        ownership.transfer(account(to), model, bound(amount, 0, shares));
    }

    function earn(uint256 index, uint256 amount) external {
        if (jobCount == 0) return;
        index %= jobCount;
        if (jobs.jobOf(index).state != IJobs.State.Accepted) return;
        address asset = jobs.jobOf(index).token;
        amount = bound(amount, 1, 1 ether);
        uint256 model = jobs.modelOf(index);
        vm.prank(REQUESTER);
        ownership.earn{value: valueFor(asset, amount)}(model, amount);
        inside[asset] += amount;
    }

    function collectEarnings(uint256 who, uint256 index) public {
        if (jobCount == 0) return;
        uint256 model = jobs.modelOf(index % jobCount);
        if (ownership.earnedBy(model, account(who)) != 0) ownership.collect(model, account(who));
    }

    // ------------------------------------------------------------ invariants

    function check() external view {
        paymentsHoldWhatIsOwed(COIN);
        paymentsHoldWhatIsOwed(address(token));
        for (uint256 job; job < jobCount; ++job) {
            jobEscrowIsExact(job);
            sharesAddUp(job);
        }
        for (uint256 i; i < campaignCount; ++i) {
            campaignEscrowIsExact(i);
        }
        for (uint256 i; i < pledgeCount; ++i) {
            settledPledgeLosesNothing(i);
        }
    }

    function paymentsHoldWhatIsOwed(address asset) private view {
        uint256 owed = payments.creditOf(address(crowdfund), asset);
        for (uint256 i; i < ACCOUNTS; ++i) {
            owed += payments.creditOf(account(i), asset);
        }
        for (uint256 i; payments.escrowOf(i).keeper != address(0); ++i) {
            if (payments.escrowOf(i).token == asset) owed += payments.escrowOf(i).held;
        }
        assertEq(owed, inside[asset], "credits and escrows equal deposits less withdrawals");
        assertEq(balance(address(payments), asset), inside[asset], "balance of Payments");
        assertEq(balance(address(jobs), asset), 0, "balance of Jobs");
        assertEq(balance(address(crowdfund), asset), 0, "balance of Crowdfund");
        assertEq(balance(address(ownership), asset), 0, "balance of Ownership");
    }

    function balance(address who, address asset) private view returns (uint256) {
        return asset == COIN ? who.balance : token.balanceOf(who);
    }

    function jobEscrowIsExact(uint256 job) private view {
        IJobs.Job memory j = jobs.jobOf(job);
        uint256 due;
        if (j.state == IJobs.State.Open) due = uint256(j.price) + j.forfeited;
        if (j.state == IJobs.State.Claimed || j.state == IJobs.State.Delivered) {
            due = uint256(j.price) + j.forfeited + j.bond;
        }
        assertEq(escrowBalance(job), due, "escrow of a job");
    }

    function sharesAddUp(uint256 job) private view {
        uint256 model = jobs.modelOf(job);
        uint256 sum = ownership.balanceOf(address(crowdfund), model);
        for (uint256 i; i < ACCOUNTS; ++i) {
            sum += ownership.balanceOf(account(i), model);
        }
        assertEq(sum, jobs.jobOf(job).state == IJobs.State.Accepted ? TOTAL : 0, "shares of a model");
    }

    function campaignEscrowIsExact(uint256 i) private view {
        ICrowdfund.Campaign memory c = crowdfund.campaignOf(i);
        assertLe(c.raised, c.order.price, "raised at most the price");
        uint256 left = payments.escrowOf(c.escrow).held;
        assertEq(left, c.handedOver ? 0 : c.raised - refunded[i], "escrow of a campaign");
    }

    function settledPledgeLosesNothing(uint256 i) private view {
        ICrowdfund.Pledge memory p = crowdfund.pledgeOf(i);
        if (!p.settled) return;
        ICrowdfund.Campaign memory c = crowdfund.campaignOf(p.campaign);
        if (!c.handedOver) {
            assertEq(paidBack[i], p.amount, "the refund is the pledge");
        } else if (jobs.jobOf(c.job).state != IJobs.State.Accepted) {
            assertGe(paidBack[i], p.amount, "at least the pledge is paid back");
        }
    }

    /// @notice Ends all jobs and pledges; every account withdraws all of its credit.
    function finish() external {
        vm.warp(block.timestamp + 30 days);
        for (uint256 job; job < jobCount; ++job) {
            if (jobs.jobOf(job).state == IJobs.State.Delivered && !jobs.hasFailed(job)) jobs.accept(job);
            expireJob(job);
        }
        for (uint256 i; i < pledgeCount; ++i) {
            settlePledge(i);
            assertTrue(crowdfund.pledgeOf(i).settled, "every pledge is settled");
        }
        for (uint256 who; who < ACCOUNTS; ++who) {
            for (uint256 job; job < jobCount; ++job) {
                collectEarnings(who, job);
            }
            withdrawAll(account(who), COIN);
            withdrawAll(account(who), address(token));
        }
        assertEq(payments.creditOf(address(crowdfund), COIN), 0, "Crowdfund keeps no coin");
        assertEq(payments.creditOf(address(crowdfund), address(token)), 0, "Crowdfund keeps no token");
        uint256 most = jobCount * TOTAL;
        assertLt(inside[COIN] + inside[address(token)], most + 1, "less than one unit a share remains");
    }

    function withdrawAll(address who, address asset) private {
        uint256 credit = payments.creditOf(who, asset);
        if (credit == 0) return;
        vm.prank(who);
        payments.withdraw(asset, credit, who);
        inside[asset] -= credit;
    }
}

contract MarketInvariantTest is MarketFixture {
    MarketHandler private handler;

    function setUp() public {
        handler = new MarketHandler();
        targetContract(address(handler));
        // `finish` ends a run; afterInvariant calls it.
        bytes4[] memory excluded = new bytes4[](1);
        excluded[0] = MarketHandler.finish.selector;
        excludeSelector(FuzzSelector(address(handler), excluded));
    }

    /// forge-config: default.invariant.runs = 16
    /// forge-config: default.invariant.depth = 120
    function invariant_fundsSharesAndPledgesHold() public view {
        handler.check();
    }

    function afterInvariant() public {
        handler.finish();
        handler.check();
    }
}
