// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ICrowdfund} from "../../src/ICrowdfund.sol";
import {IJobs} from "../../src/IJobs.sol";
import {Market} from "./Market.sol";

/// @notice Four people do whatever comes, in coin and in a token; counts kept here say what they should have.
contract MarketHandler is Market {
    uint256 private constant PEOPLE = 4;

    uint256 public jobCount;
    uint256 public campaignCount;
    uint256 public pledgeCount;
    /// @notice What came in less what was drawn.
    mapping(address which => uint256) public inside;
    mapping(uint256 pledge => uint256) public paidBack;
    mapping(uint256 campaign => uint256) public refunded;
    mapping(uint256 job => uint256) public seedOf;
    mapping(uint256 campaign => uint256) public seedOfCampaign;

    constructor() {
        deployMarket();
        for (uint256 i; i < PEOPLE; ++i) {
            fund(person(i));
        }
    }

    function person(uint256 i) public pure returns (address) {
        return address(uint160(0x9E500 + (i % PEOPLE)));
    }

    function coinOrToken(uint256 draw) private view returns (address) {
        return draw % 2 == 0 ? COIN : address(token);
    }

    // ------------------------------------------------------------ what may happen

    function pass(uint256 time) external {
        vm.warp(block.timestamp + within(time, 1, 6 hours));
    }

    function postJob(uint256 who, uint256 draw) external {
        if (jobCount >= 6) return;
        address which = coinOrToken(draw);
        IJobs.Order memory order = someOrder(draw, which);
        cheats.prank(person(who));
        jobs.post{value: value(which, order.price)}(order);
        seedOf[jobCount++] = draw;
        inside[which] += order.price;
    }

    function someOrder(uint256 draw, address which) private pure returns (IJobs.Order memory order) {
        order = orderOf(draw, which);
        order.price = uint128(within(draw >> 8, 1, 3 ether));
        order.bond = uint128(within(draw >> 80, 0, 1 ether));
        order.workerShares = uint32(within(draw >> 160, 0, TOTAL));
        order.claimSeconds = 8 hours;
    }

    function startCampaign(uint256 who, uint256 draw) external {
        if (campaignCount >= 4) return;
        cheats.prank(person(who));
        crowdfund.start(someOrder(draw, coinOrToken(draw)), uint40(block.timestamp + 12 hours));
        seedOfCampaign[campaignCount++] = draw;
    }

    function pledge(uint256 who, uint256 which, uint256 amount) external {
        if (campaignCount == 0) return;
        which %= campaignCount;
        if (crowdfund.stateOf(which) != ICrowdfund.State.Raising) return;
        ICrowdfund.Campaign memory c = crowdfund.campaignOf(which);
        uint256 missing = c.order.price - c.raised;
        // From the least there may be up to more than is missing.
        uint256 least = (uint256(c.order.price) + 999) / 1000;
        if (least > missing) least = missing;
        amount = within(amount, least, missing + 1 ether);
        address which_ = c.order.token;
        cheats.prank(person(who));
        uint256 id = crowdfund.pledge{value: value(which_, amount)}(which, amount);
        eq(id, pledgeCount++, "one after the other");
        inside[which_] += which_ == COIN || amount < missing ? amount : missing;
    }

    function handOver(uint256 which) external {
        if (campaignCount == 0) return;
        which %= campaignCount;
        if (crowdfund.stateOf(which) != ICrowdfund.State.Reached) return;
        uint256 job = crowdfund.handOver(which);
        eq(job, jobCount++, "one after the other");
        seedOf[job] = seedOfCampaign[which];
    }

    function claimJob(uint256 who, uint256 which) external {
        if (jobCount == 0) return;
        which %= jobCount;
        IJobs.Job memory j = jobs.jobOf(which);
        bool open = j.state == IJobs.State.Open || jobs.hasFailed(which);
        if (!open || block.timestamp > j.claimBy) return;
        take(person(who), which);
        inside[j.token] += j.bond;
    }

    function deliverJob(uint256 which) external {
        if (jobCount == 0) return;
        which %= jobCount;
        IJobs.Job memory j = jobs.jobOf(which);
        if (j.state != IJobs.State.Claimed || block.timestamp > j.deliverBy) return;
        deliver(j.worker, which, seedOf[which]);
    }

    function beatJob(uint256 which) external {
        if (jobCount == 0) return;
        which %= jobCount;
        IJobs.Job memory j = jobs.jobOf(which);
        if (j.state != IJobs.State.Delivered || jobs.hasFailed(which)) return;
        if (block.timestamp > disputes.claimOf(j.claim).windowEnd) return;
        beat(j.claim, seedOf[which]);
    }

    function acceptJob(uint256 which) external {
        if (jobCount == 0) return;
        which %= jobCount;
        IJobs.Job memory j = jobs.jobOf(which);
        if (j.state != IJobs.State.Delivered || jobs.hasFailed(which)) return;
        if (block.timestamp <= disputes.claimOf(j.claim).windowEnd) passWindow();
        jobs.accept(which);
    }

    function reopenJob(uint256 which) external {
        if (jobCount == 0) return;
        which %= jobCount;
        if (jobs.hasFailed(which)) jobs.reopen(which);
    }

    function expireJob(uint256 which) public {
        if (jobCount == 0) return;
        which %= jobCount;
        IJobs.Job memory j = jobs.jobOf(which);
        bool open = j.state == IJobs.State.Open || jobs.hasFailed(which);
        if (open && block.timestamp > j.claimBy) jobs.expire(which);
    }

    function cancelJob(uint256 which) external {
        if (jobCount == 0) return;
        which %= jobCount;
        IJobs.Job memory j = jobs.jobOf(which);
        bool open = j.state == IJobs.State.Open || jobs.hasFailed(which);
        if (!open || j.requester == address(crowdfund)) return;
        cheats.prank(j.requester);
        jobs.cancel(which);
    }

    function settlePledge(uint256 which) public {
        if (pledgeCount == 0) return;
        which %= pledgeCount;
        ICrowdfund.Pledge memory p = crowdfund.pledgeOf(which);
        ICrowdfund.State state = crowdfund.stateOf(p.campaign);
        if (p.settled) return;
        address coin = crowdfund.campaignOf(p.campaign).order.token;
        uint256 before = payments.creditOf(p.pledger, coin);
        if (state == ICrowdfund.State.Failed) {
            crowdfund.refund(which);
            refunded[p.campaign] += p.amount;
        } else if (state == ICrowdfund.State.Ended) {
            crowdfund.collect(which);
        } else {
            return;
        }
        paidBack[which] = payments.creditOf(p.pledger, coin) - before;
    }

    function withdraw(uint256 who, uint256 draw) public {
        address coin = coinOrToken(draw);
        uint256 credit = payments.creditOf(person(who), coin);
        if (credit == 0) return;
        uint256 amount = within(draw >> 8, 1, credit);
        cheats.prank(person(who));
        payments.withdraw(coin, amount, person(who));
        inside[coin] -= amount;
    }

    function giveShares(uint256 from, uint256 to, uint256 which, uint256 amount) external {
        if (jobCount == 0) return;
        uint256 model = jobs.modelOf(which % jobCount);
        uint256 shares = ownership.balanceOf(person(from), model);
        cheats.prank(person(from));
        ownership.transfer(person(to), model, within(amount, 0, shares));
    }

    function earn(uint256 which, uint256 amount) external {
        if (jobCount == 0) return;
        which %= jobCount;
        if (jobs.jobOf(which).state != IJobs.State.Accepted) return;
        address coin = jobs.jobOf(which).token;
        amount = within(amount, 1, 1 ether);
        uint256 model = jobs.modelOf(which);
        cheats.prank(ASKER);
        ownership.earn{value: value(coin, amount)}(model, amount);
        inside[coin] += amount;
    }

    function collectEarnings(uint256 who, uint256 which) public {
        if (jobCount == 0) return;
        uint256 model = jobs.modelOf(which % jobCount);
        if (ownership.earnedBy(model, person(who)) != 0) ownership.collect(model, person(who));
    }

    // ------------------------------------------------------------ what must hold

    function check() external view {
        moneyIsWhereItIsOwed(COIN);
        moneyIsWhereItIsOwed(address(token));
        for (uint256 job; job < jobCount; ++job) {
            jobsHoldWhatTheyPromise(job);
            sharesAddUp(job);
        }
        for (uint256 i; i < campaignCount; ++i) {
            campaignsHoldTheirPledges(i);
        }
        for (uint256 i; i < pledgeCount; ++i) {
            nobodyLosesAPledge(i);
        }
    }

    function moneyIsWhereItIsOwed(address coin) private view {
        uint256 owed = payments.creditOf(address(crowdfund), coin);
        for (uint256 i; i < PEOPLE; ++i) {
            owed += payments.creditOf(person(i), coin);
        }
        for (uint256 i; payments.escrowOf(i).keeper != address(0); ++i) {
            if (payments.escrowOf(i).token == coin) owed += payments.escrowOf(i).held;
        }
        eq(owed, inside[coin], "what is owed is what came in");
        eq(balance(address(payments), coin), inside[coin], "and it is there");
        eq(balance(address(jobs), coin), 0, "jobs keep nothing");
        eq(balance(address(crowdfund), coin), 0, "campaigns keep nothing");
        eq(balance(address(ownership), coin), 0, "models keep nothing");
    }

    function balance(address who, address coin) private view returns (uint256) {
        return coin == COIN ? who.balance : token.balanceOf(who);
    }

    function jobsHoldWhatTheyPromise(uint256 job) private view {
        IJobs.Job memory j = jobs.jobOf(job);
        uint256 due;
        if (j.state == IJobs.State.Open) due = uint256(j.price) + j.forfeited;
        if (j.state == IJobs.State.Claimed || j.state == IJobs.State.Delivered) {
            due = uint256(j.price) + j.forfeited + j.bond;
        }
        eq(held(job), due, "a job's money");
    }

    function sharesAddUp(uint256 job) private view {
        uint256 model = jobs.modelOf(job);
        uint256 sum = ownership.balanceOf(address(crowdfund), model);
        for (uint256 i; i < PEOPLE; ++i) {
            sum += ownership.balanceOf(person(i), model);
        }
        eq(sum, jobs.jobOf(job).state == IJobs.State.Accepted ? TOTAL : 0, "a model's shares");
    }

    function campaignsHoldTheirPledges(uint256 i) private view {
        ICrowdfund.Campaign memory c = crowdfund.campaignOf(i);
        yes(c.raised <= c.order.price, "never more than the price");
        uint256 left = payments.escrowOf(c.escrow).held;
        eq(left, c.handedOver ? 0 : c.raised - refunded[i], "a campaign's money");
    }

    function nobodyLosesAPledge(uint256 i) private view {
        ICrowdfund.Pledge memory p = crowdfund.pledgeOf(i);
        if (!p.settled) return;
        ICrowdfund.Campaign memory c = crowdfund.campaignOf(p.campaign);
        if (!c.handedOver) {
            eq(paidBack[i], p.amount, "a refund is the pledge");
        } else if (jobs.jobOf(c.job).state != IJobs.State.Accepted) {
            yes(paidBack[i] >= p.amount, "at least the pledge comes back");
        }
    }

    /// @notice Everybody stops; whoever is owed something can still have all of it.
    function finish() external {
        vm.warp(block.timestamp + 30 days);
        for (uint256 job; job < jobCount; ++job) {
            if (jobs.jobOf(job).state == IJobs.State.Delivered && !jobs.hasFailed(job)) jobs.accept(job);
            expireJob(job);
        }
        for (uint256 i; i < pledgeCount; ++i) {
            settlePledge(i);
            yes(crowdfund.pledgeOf(i).settled, "every pledge can be settled");
        }
        for (uint256 who; who < PEOPLE; ++who) {
            for (uint256 job; job < jobCount; ++job) {
                collectEarnings(who, job);
            }
            drain(person(who), COIN);
            drain(person(who), address(token));
        }
        eq(payments.creditOf(address(crowdfund), COIN), 0, "no coin stays with the campaigns");
        eq(payments.creditOf(address(crowdfund), address(token)), 0, "and no token");
        uint256 most = jobCount * TOTAL;
        yes(inside[COIN] + inside[address(token)] < most + 1, "less than a unit a share waits");
    }

    function drain(address who, address coin) private {
        uint256 credit = payments.creditOf(who, coin);
        if (credit == 0) return;
        cheats.prank(who);
        payments.withdraw(coin, credit, who);
        inside[coin] -= credit;
    }
}

contract MarketInvariantTest is Market {
    MarketHandler private handler;

    function setUp() public {
        handler = new MarketHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    /// @dev The end is not one of the things that happen.
    function excludeSelectors() external view returns (FuzzSelector[] memory excluded) {
        excluded = new FuzzSelector[](1);
        excluded[0] = FuzzSelector(address(handler), new bytes4[](1));
        excluded[0].selectors[0] = MarketHandler.finish.selector;
    }

    /// forge-config: default.invariant.runs = 16
    /// forge-config: default.invariant.depth = 120
    function invariant_moneySharesAndPledges() public view {
        handler.check();
    }

    function afterInvariant() public {
        handler.finish();
        handler.check();
    }
}
