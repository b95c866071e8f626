// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IJobs} from "../../src/IJobs.sol";
import {IPayments} from "../../src/IPayments.sol";
import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {MarketFixture} from "./MarketFixture.sol";

/// @notice A token whose every transfer seems to succeed, of any amount.
contract BoastfulToken {
    mapping(address => uint256) public balanceOf;

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        unchecked {
            balanceOf[from] -= amount;
            balanceOf[to] += amount;
        }
        return true;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        unchecked {
            balanceOf[msg.sender] -= amount;
            balanceOf[to] += amount;
        }
        return true;
    }

    function approve(address, uint256) external pure returns (bool) {
        return true;
    }
}

/// @notice Amounts and runs that no order may have: they would lock money, or let a claim stand that nobody
/// could check.
contract LimitsTest is MarketFixture {
    function setUp() public {
        deployMarket();
    }

    /// @dev The largest bonds are forfeited again and again, and the job still ends.
    function test_check_revertsIfForfeitedBondsCouldOverflow() external {
        uint128 most = jobs.MAX_BOND();
        token.mint(WORKER, type(uint128).max);
        IJobs.Order memory order = orderOf(1, address(token));
        order.bond = most + 1;
        vm.prank(REQUESTER);
        vm.expectRevert(IJobs.BadOrder.selector);
        jobs.post(order);
        vm.expectRevert(IJobs.BadOrder.selector);
        crowdfund.start(order, uint40(block.timestamp + 1 days));
        order.bond = most;
        vm.prank(REQUESTER);
        uint256 job = jobs.post(order);
        for (uint256 i; i < 3; ++i) {
            claimAs(WORKER, job);
            vm.warp(block.timestamp + 3 hours);
            jobs.reopen(job);
        }
        // All bonds that may ever be forfeited fit 128 bits, unless a job is claimed 2^32 times.
        assertLe(uint256(most) << 32, type(uint128).max, "2^32 bonds");
        vm.warp(block.timestamp + 2 days);
        jobs.expire(job);
        assertEq(payments.creditOf(REQUESTER, address(token)), 10 ether + 3 * uint256(most), "returned");
    }

    /// @dev A keeper of an invented fortune gives it to a worker and to Crowdfund. Their later credits in the
    /// token must not overflow.
    function test_deposit_revertsIfAmountCouldOverflowCredits() external {
        BoastfulToken boastful = new BoastfulToken();
        uint256 escrow = payments.open(address(boastful));
        vm.expectRevert(abi.encodeWithSelector(IPayments.TooMuch.selector, uint256(1) << 128));
        payments.deposit(escrow, uint256(1) << 128);
        for (uint256 i; i < 3; ++i) {
            payments.deposit(escrow, type(uint128).max);
            payments.pay(escrow, WORKER, type(uint128).max / 2);
            payments.pay(escrow, address(crowdfund), type(uint128).max / 2);
        }
        IJobs.Order memory order = orderOf(1, address(boastful));
        uint256 campaign = crowdfund.start(order, uint40(block.timestamp + 1 days));
        vm.prank(OTHER);
        crowdfund.pledge(campaign, order.price);
        uint256 job = crowdfund.handOver(campaign);
        claimAs(WORKER, job);
        deliver(WORKER, job, 1);
        passWindow();
        jobs.accept(job);
        assertGt(payments.creditOf(WORKER, address(boastful)), type(uint128).max, "credit of the worker");
    }

    function test_check_revertsIfRunTakesTooLongToRepeat() external {
        IJobs.Order memory order = orderOf(1, COIN);
        order.steps = disputes.MAX_REPEAT_SECONDS() / STEP_SECONDS;
        jobs.check(order);
        order.steps += 1;
        vm.expectRevert(IDisputes.BadTerms.selector);
        jobs.post{value: order.price}(order);
        vm.expectRevert(IDisputes.BadTerms.selector);
        crowdfund.start(order, uint40(block.timestamp + 1 days));
        order.steps = 0;
        vm.expectRevert(IDisputes.BadTerms.selector);
        jobs.check(order);
    }

    /// @dev An order with fewer steps than its terms have would promise a shorter window than there is.
    function test_deliver_revertsIfTermsHaveOtherSteps() external {
        IJobs.Order memory order = orderOf(1, COIN);
        order.steps = STEPS - 1;
        vm.prank(REQUESTER);
        uint256 job = jobs.post{value: order.price}(order);
        claimAs(WORKER, job);
        uint256 claim = claimRun(WORKER, 1);
        bytes32[] memory proof = proofOf(1, 2);
        vm.prank(WORKER);
        vm.expectRevert(abi.encodeWithSelector(IJobs.BadClaim.selector, claim));
        jobs.deliver(job, claim, termsOf(1), rootAfter(1, 2), proof);
    }

    /// @dev The longer the run, the longer until its worker is paid.
    function test_accept_revertsUntilWindowOfLongRunIsOver() external {
        IDisputes.Terms memory terms = termsOf(1);
        terms.steps = 40;
        IJobs.Order memory order = orderOf(1, COIN);
        (order.terms, order.steps, order.bond) = (hashOf(terms), 40, 0);
        vm.prank(REQUESTER);
        uint256 job = jobs.post{value: order.price}(order);
        vm.prank(WORKER);
        jobs.claim(job);
        bytes32[] memory proof = new bytes32[](2);
        (proof[0], proof[1]) = (keccak256("left"), keccak256("right"));
        // 40 leaves: the last one is in the subtree of eight behind the 32 of the left one.
        bytes32 root = lastOfForty(proof);
        uint256 bond = disputes.claimBond(terms);
        vm.prank(WORKER);
        uint256 claim = disputes.claim{value: bond}(terms, root);
        vm.prank(WORKER);
        jobs.deliver(job, claim, terms, rootAfter(1, 39), pathOfForty(proof));
        vm.warp(block.timestamp + disputes.windowOf(40));
        vm.expectRevert(IDisputes.WindowOpen.selector);
        jobs.accept(job);
        vm.warp(block.timestamp + 1);
        jobs.accept(job);
    }

    function pathOfForty(bytes32[] memory sides) private pure returns (bytes32[] memory path) {
        path = new bytes32[](4);
        for (uint256 i; i < 3; ++i) {
            path[i] = sides[0];
        }
        path[3] = sides[1];
    }

    function lastOfForty(bytes32[] memory sides) private pure returns (bytes32 hash) {
        bytes32[] memory path = pathOfForty(sides);
        hash = sha256(bytes.concat(hex"00", rootAfter(1, 39)));
        for (uint256 i; i < path.length; ++i) {
            hash = sha256(bytes.concat(hex"01", path[i], hash));
        }
    }
}
