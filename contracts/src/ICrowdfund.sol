// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IJobs} from "./IJobs.sol";
import {IPayments} from "./IPayments.sol";

/// @title Crowdfunding of training jobs
/// @notice A campaign collects the price of one job. It takes pledges until the price is reached or the
/// deadline has passed, and never more than the price. Once the price is reached, anyone can hand the money
/// over: the job is posted with the campaign's order, and this contract is its requester. If the price is not
/// reached in time, or is not handed over within `HAND_OVER_SECONDS`, every pledge is refunded in full. When
/// the job ends, what the requester gets (shares of the model, or the price and forfeited bonds) is divided
/// among the pledges.
/// @dev Nobody administers this contract, not even the creator of a campaign: no owner, no pause, no upgrade,
/// no fee.
///
/// The division is exact. A pledge is an interval of the price, which starts at the sum of all pledges before
/// it. Its part of `whole` is floor(whole * end / price) - floor(whole * start / price). The intervals fill
/// the price, so these parts add up to `whole`, in whatever order they are collected.
interface ICrowdfund {
    /// @notice What is stored of a campaign.
    /// @param creator The account that started the campaign. It has no power over it.
    /// @param deadline Last second (Unix time) at which a pledge is taken.
    /// @param reachedAt Unix time at which the price was reached; zero before.
    /// @param handedOver Whether the job was posted.
    /// @param raised The sum of all pledges.
    /// @param pledges The number of all pledges.
    /// @param escrow Number of the campaign's escrow in Payments.
    /// @param job Number of the job in Jobs, once the campaign is handed over.
    struct Campaign {
        address creator;
        uint40 deadline;
        uint40 reachedAt;
        bool handedOver;
        uint128 raised;
        uint32 pledges;
        uint96 escrow;
        uint256 job;
        IJobs.Order order;
    }

    /// @notice What is stored of a pledge.
    /// @param settled Whether the pledge was refunded or collected.
    /// @param start The sum of all pledges before it.
    struct Pledge {
        address pledger;
        uint64 campaign;
        bool settled;
        uint128 start;
        uint128 amount;
    }

    /// @notice The state of a campaign.
    /// @param Raising Pledges are taken.
    /// @param Reached The price is reached; anyone may hand it over.
    /// @param Failed Pledges can be refunded.
    /// @param HandedOver The job is posted and not over.
    /// @param Ended The job is over; pledges can be collected.
    enum State {
        Raising,
        Reached,
        Failed,
        HandedOver,
        Ended
    }

    /// @notice A campaign was started.
    event Started(
        uint256 indexed campaign,
        address indexed creator,
        bytes32 indexed terms,
        uint40 deadline,
        IJobs.Order order
    );
    /// @notice A pledge was made.
    event Pledged(
        uint256 indexed campaign,
        uint256 indexed pledge,
        address indexed pledger,
        uint256 amount,
        uint256 raised
    );
    /// @notice The price was handed over and the job was posted.
    event HandedOverTo(uint256 indexed campaign, uint256 indexed job);
    /// @notice A pledge was refunded to the pledger's credit in Payments.
    event Refunded(uint256 indexed campaign, uint256 indexed pledge, address indexed pledger, uint256 amount);
    /// @notice The pledger got its part of what the job gave: a credit in Payments and shares of the model.
    event Collected(
        uint256 indexed campaign,
        uint256 indexed pledge,
        address indexed pledger,
        uint256 amount,
        uint256 shares
    );

    /// @notice The deadline is in the past or more than `MAX_SECONDS` ahead.
    error BadDeadline(uint256 earliest, uint256 latest);
    /// @notice There is no such campaign or pledge.
    error NotThere();
    /// @notice The state of the campaign does not allow this call.
    error WrongState(State state);
    /// @notice The pledge is below `least`. A smaller pledge is only taken if it completes the price.
    error Dust(uint256 least);
    /// @notice The pledge was already refunded or collected.
    error Settled();
    /// @notice The contract takes coin only with a pledge.
    error NoGifts();

    /// @notice Longest time that a campaign may take pledges, in seconds.
    function MAX_SECONDS() external view returns (uint40);
    /// @notice For how many seconds after reaching its price a campaign can be handed over.
    function HAND_OVER_SECONDS() external view returns (uint40);
    /// @notice A pledge is at least the price divided by this number, rounded up, unless it completes the
    /// price.
    function MAX_PLEDGES() external view returns (uint256);
    /// @notice The contract that holds the jobs.
    function jobs() external view returns (IJobs);
    /// @notice The contract that holds the money.
    function payments() external view returns (IPayments);

    /// @notice Starts a campaign for a job.
    /// @param order The order of the job. Its price is the goal of the campaign.
    /// @param deadline Last second at which a pledge is taken.
    function start(IJobs.Order calldata order, uint40 deadline) external returns (uint256 campaign);

    /// @notice Pledges `amount`, or the missing part of the price if that is less. Coin beyond the missing
    /// part becomes the caller's credit in Payments; of a token only the missing part is taken. A pledge
    /// belongs to the caller and cannot be withdrawn.
    function pledge(uint256 campaign, uint256 amount) external payable returns (uint256 pledgeId);

    /// @notice Anyone: hands over a campaign that has reached its price, which posts the job.
    function handOver(uint256 campaign) external returns (uint256 job);

    /// @notice Anyone: refunds a pledge of a failed campaign.
    function refund(uint256 pledgeId) external;

    /// @notice Anyone: gives a pledger its part of what the ended job gave: money, and shares if the job was
    /// accepted.
    function collect(uint256 pledgeId) external;

    /// @notice The current state of a campaign.
    function stateOf(uint256 campaign) external view returns (State);
    /// @notice Number of campaigns. The newest has the number before this one.
    function campaignCount() external view returns (uint256);
    /// @notice Several campaigns and their current states, in the order of the numbers.
    function campaignsOf(uint256[] calldata campaigns)
        external
        view
        returns (Campaign[] memory, State[] memory);
    /// @notice Several pledges, in the order of the numbers.
    function pledgesOf(uint256[] calldata pledges) external view returns (Pledge[] memory);
    /// @notice A campaign.
    function campaignOf(uint256 campaign) external view returns (Campaign memory);
    /// @notice A pledge.
    function pledgeOf(uint256 pledgeId) external view returns (Pledge memory);
    /// @notice The part of `whole` that belongs to a pledge.
    function partOf(uint256 pledgeId, uint256 whole) external view returns (uint256);
}
