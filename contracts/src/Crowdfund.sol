// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Funding} from "./Funding.sol";
import {ICrowdfund} from "./ICrowdfund.sol";
import {IJobs} from "./IJobs.sol";
import {IOwnership} from "./IOwnership.sol";
import {IPayments} from "./IPayments.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Crowdfund
/// @notice Implements ICrowdfund, which documents every function.
contract Crowdfund is ICrowdfund, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    uint40 public constant MAX_SECONDS = 365 days;
    uint40 public constant HAND_OVER_SECONDS = 7 days;
    uint256 public constant MAX_PLEDGES = 1000;

    IJobs public immutable jobs;
    IPayments public immutable payments;

    IOwnership private immutable OWNERSHIP;
    uint256 private immutable TOTAL;

    Campaign[] private _campaigns;
    Pledge[] private _pledges;

    constructor(IJobs jobs_) {
        jobs = jobs_;
        payments = jobs_.payments();
        OWNERSHIP = jobs_.ownership();
        TOTAL = OWNERSHIP.TOTAL();
    }

    /// @dev Payments sends the coin of a campaign here when it is handed over to the job.
    receive() external payable {
        require(msg.sender == address(payments), NoGifts());
    }

    /// @inheritdoc ICrowdfund
    function start(IJobs.Order calldata order, uint40 deadline) external returns (uint256 campaign) {
        jobs.check(order);
        uint256 latest = block.timestamp + MAX_SECONDS;
        require(deadline >= block.timestamp && deadline <= latest, BadDeadline(block.timestamp, latest));
        campaign = _campaigns.length;
        Campaign storage c = _campaigns.push();
        (c.creator, c.deadline, c.order) = (msg.sender, deadline, order);
        // Payments numbers its escrows from 0, so the number fits 96 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        c.escrow = uint96(payments.open(order.token));
        emit Started(campaign, msg.sender, order.terms, deadline, order);
    }

    /// @inheritdoc ICrowdfund
    function pledge(uint256 campaign, uint256 amount)
        external
        payable
        nonReentrant
        returns (uint256 pledgeId)
    {
        Campaign storage c = _open(campaign, State.Raising);
        (uint128 price, uint128 raised, address token) = (c.order.price, c.raised, c.order.token);
        uint256 missing = price - raised;
        uint256 least = Math.min(Math.ceilDiv(price, MAX_PLEDGES), missing);
        require(amount >= least, Dust(least));
        uint256 taken = Math.min(amount, missing);
        pledgeId = _pledges.length;
        // At most the missing part of a price of 128 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        _pledges.push(Pledge(msg.sender, uint64(campaign), false, raised, uint128(taken)));
        // forge-lint: disable-next-line(unsafe-typecast)
        c.raised = raised + uint128(taken);
        // A campaign has about a thousand pledges at most.
        ++c.pledges;
        if (taken == missing) c.reachedAt = uint40(block.timestamp);
        emit Pledged(campaign, pledgeId, msg.sender, taken, raised + taken);
        Funding.take(payments, c.escrow, token, token == address(0) ? amount : taken);
        if (token == address(0) && amount > taken) payments.pay(c.escrow, msg.sender, amount - taken);
    }

    /// @inheritdoc ICrowdfund
    function handOver(uint256 campaign) external nonReentrant returns (uint256 job) {
        Campaign storage c = _open(campaign, State.Reached);
        c.handedOver = true;
        IJobs.Order memory order = c.order;
        payments.pay(c.escrow, address(this), order.price);
        payments.withdraw(order.token, order.price, address(this));
        if (order.token == address(0)) {
            job = jobs.post{value: order.price}(order);
        } else {
            IERC20(order.token).forceApprove(address(jobs), order.price);
            job = jobs.post(order);
        }
        c.job = job;
        emit HandedOverTo(campaign, job);
    }

    /// @inheritdoc ICrowdfund
    function refund(uint256 pledgeId) external nonReentrant {
        Pledge storage p = _unsettled(pledgeId);
        Campaign storage c = _open(p.campaign, State.Failed);
        p.settled = true;
        payments.pay(c.escrow, p.pledger, p.amount);
        emit Refunded(p.campaign, pledgeId, p.pledger, p.amount);
    }

    /// @inheritdoc ICrowdfund
    function collect(uint256 pledgeId) external nonReentrant {
        Pledge storage p = _unsettled(pledgeId);
        Campaign storage c = _open(p.campaign, State.Ended);
        p.settled = true;
        uint256 amount = _part(p, c.order.price, jobs.returned(c.job));
        uint256 shares;
        if (jobs.jobOf(c.job).state == IJobs.State.Accepted) {
            shares = _part(p, c.order.price, TOTAL - c.order.workerShares);
        }
        if (amount != 0) payments.give(c.order.token, p.pledger, amount);
        if (shares != 0) OWNERSHIP.transfer(p.pledger, jobs.modelOf(c.job), shares);
        emit Collected(p.campaign, pledgeId, p.pledger, amount, shares);
    }

    /// @inheritdoc ICrowdfund
    function stateOf(uint256 campaign) external view returns (State) {
        return _stateOf(_campaign(campaign));
    }

    /// @inheritdoc ICrowdfund
    function campaignOf(uint256 campaign) external view returns (Campaign memory) {
        return _campaign(campaign);
    }

    /// @inheritdoc ICrowdfund
    function campaignCount() external view returns (uint256) {
        return _campaigns.length;
    }

    /// @inheritdoc ICrowdfund
    function campaignsOf(uint256[] calldata campaigns)
        external
        view
        returns (Campaign[] memory list, State[] memory states)
    {
        (list, states) = (new Campaign[](campaigns.length), new State[](campaigns.length));
        for (uint256 i; i < campaigns.length; ++i) {
            Campaign storage c = _campaign(campaigns[i]);
            (list[i], states[i]) = (c, _stateOf(c));
        }
    }

    /// @inheritdoc ICrowdfund
    function pledgesOf(uint256[] calldata pledges) external view returns (Pledge[] memory list) {
        list = new Pledge[](pledges.length);
        for (uint256 i; i < pledges.length; ++i) {
            list[i] = _pledge(pledges[i]);
        }
    }

    /// @inheritdoc ICrowdfund
    function pledgeOf(uint256 pledgeId) external view returns (Pledge memory) {
        return _pledge(pledgeId);
    }

    /// @inheritdoc ICrowdfund
    function partOf(uint256 pledgeId, uint256 whole) external view returns (uint256) {
        Pledge storage p = _pledge(pledgeId);
        return _part(p, _campaign(p.campaign).order.price, whole);
    }

    /// @dev A campaign that has reached its price is `Reached` up to a certain second and `Failed` after it,
    /// never both.
    function _stateOf(Campaign storage c) private view returns (State) {
        if (c.handedOver) {
            IJobs.State state = jobs.jobOf(c.job).state;
            return state == IJobs.State.Accepted || state == IJobs.State.Expired
                || state == IJobs.State.Cancelled
                ? State.Ended
                : State.HandedOver;
        }
        if (c.reachedAt != 0) {
            return block.timestamp <= uint256(c.reachedAt) + HAND_OVER_SECONDS ? State.Reached : State.Failed;
        }
        return block.timestamp <= c.deadline ? State.Raising : State.Failed;
    }

    function _part(Pledge storage p, uint256 price, uint256 whole) private view returns (uint256) {
        uint256 end = uint256(p.start) + p.amount;
        return Math.mulDiv(whole, end, price) - Math.mulDiv(whole, p.start, price);
    }

    function _open(uint256 campaign, State wanted) private view returns (Campaign storage c) {
        c = _campaign(campaign);
        State state = _stateOf(c);
        require(state == wanted, WrongState(state));
    }

    function _campaign(uint256 campaign) private view returns (Campaign storage) {
        require(campaign < _campaigns.length, NotThere());
        return _campaigns[campaign];
    }

    function _pledge(uint256 pledgeId) private view returns (Pledge storage) {
        require(pledgeId < _pledges.length, NotThere());
        return _pledges[pledgeId];
    }

    function _unsettled(uint256 pledgeId) private view returns (Pledge storage p) {
        p = _pledge(pledgeId);
        require(!p.settled, Settled());
    }
}
