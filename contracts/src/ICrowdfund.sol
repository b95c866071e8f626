// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IJobs} from "./IJobs.sol";
import {IPayments} from "./IPayments.sol";

/// @title Training paid for together
/// @notice A campaign gathers the price of one job. Pledges are taken until the price is reached or the deadline has passed, never more
/// than the price. Reached, anybody can hand the money over: the job is posted with the campaign's order and this contract as
/// its requester. Missed, or reached and not handed over within `HAND_OVER_SECONDS`, every pledge goes back in full. When the job
/// ends, what the requester gets (shares of the model, or the price with forfeited bonds) is divided among the pledges.
/// @dev Nobody administers this contract, whoever started a campaign included: no owner, no pause, no upgrade, no fee.
///
/// Division without a loss: a pledge is an interval of the price, from what was pledged before it to that plus its own amount.
/// Of `whole` it gets floor(whole * end / price) - floor(whole * start / price), and since the intervals fill the price these add up to
/// `whole` exactly, in whatever order they are drawn.
interface ICrowdfund {
    /// @notice What is stored of a campaign.
    /// @param creator Who started it; it has no power over it.
    /// @param deadline Last second (Unix time) at which a pledge is taken.
    /// @param reachedAt When the price was reached; zero before.
    /// @param handedOver Whether the job was posted.
    /// @param raised What was pledged.
    /// @param escrow Where the pledges are in Payments.
    /// @param job The job's number in Jobs, once handed over.
    struct Campaign {
        address creator;
        uint40 deadline;
        uint40 reachedAt;
        bool handedOver;
        uint128 raised;
        uint128 escrow;
        uint256 job;
        IJobs.Order order;
    }

    /// @notice What is stored of a pledge.
    /// @param settled Whether it was refunded or collected.
    /// @param start What was pledged before it.
    struct Pledge {
        address pledger;
        uint64 campaign;
        bool settled;
        uint128 start;
        uint128 amount;
    }

    /// @param Raising Pledges are taken.
    /// @param Reached The price is there; anybody may hand it over.
    /// @param Failed Pledges go back.
    /// @param HandedOver The job is on.
    /// @param Ended The job is over; pledges can be collected.
    enum State {
        Raising,
        Reached,
        Failed,
        HandedOver,
        Ended
    }

    /// @notice A campaign began.
    event Started(
        uint256 indexed campaign,
        address indexed creator,
        bytes32 indexed terms,
        uint40 deadline,
        IJobs.Order order
    );
    /// @notice Somebody pledged.
    event Pledged(
        uint256 indexed campaign,
        uint256 indexed pledge,
        address indexed pledger,
        uint256 amount,
        uint256 raised
    );
    /// @notice The price was reached and became a job.
    event HandedOverTo(uint256 indexed campaign, uint256 indexed job);
    /// @notice A pledge went back; it is the pledger's credit in Payments now.
    event Refunded(uint256 indexed campaign, uint256 indexed pledge, address indexed pledger, uint256 amount);
    /// @notice A pledge got its part of what the job gave: money as credit in Payments, and shares of the model.
    event Collected(
        uint256 indexed campaign,
        uint256 indexed pledge,
        address indexed pledger,
        uint256 amount,
        uint256 shares
    );

    /// @notice The deadline is in the past or over `MAX_SECONDS` ahead.
    error BadDeadline(uint256 earliest, uint256 latest);
    /// @notice There is no such campaign, or no such pledge.
    error NotThere();
    /// @notice The campaign is not in a state in which this can be done.
    error WrongState(State state);
    /// @notice A pledge below this is only taken when it completes the price.
    error Dust(uint256 least);
    /// @notice The pledge was refunded or collected before.
    error Settled();
    /// @notice Coin is only taken with a pledge.
    error NoGifts();

    /// @notice Longest time a campaign may run, in seconds.
    function MAX_SECONDS() external view returns (uint40);
    /// @notice Within how many seconds of being reached a campaign can be handed over.
    function HAND_OVER_SECONDS() external view returns (uint40);
    /// @notice A pledge is at least the price divided by this, rounded up, or completes the price.
    function MAX_PLEDGES() external view returns (uint256);
    /// @notice Where the jobs are.
    function jobs() external view returns (IJobs);
    /// @notice Where the money is.
    function payments() external view returns (IPayments);

    /// @notice Starts a campaign for a job.
    /// @param order What will be posted; its price is the goal.
    /// @param deadline Last second at which a pledge is taken.
    function start(IJobs.Order calldata order, uint40 deadline) external returns (uint256 campaign);

    /// @notice Pledges `amount`, or what is missing when that is less: of coin that came with the call the rest becomes the
    /// pledger's credit in Payments, of a token only what is missing is taken. A pledge can be made for oneself only, and stands.
    function pledge(uint256 campaign, uint256 amount) external payable returns (uint256 pledgeId);

    /// @notice Anyone: posts the job of a campaign that has reached its price.
    function handOver(uint256 campaign) external returns (uint256 job);

    /// @notice Anyone: gives a pledge of a failed campaign back.
    function refund(uint256 pledgeId) external;

    /// @notice Anyone: gives a pledge its part of what an ended job gave: shares when it was accepted, and money.
    function collect(uint256 pledgeId) external;

    /// @notice Where a campaign stands now.
    function stateOf(uint256 campaign) external view returns (State);
    /// @notice A campaign.
    function campaignOf(uint256 campaign) external view returns (Campaign memory);
    /// @notice A pledge.
    function pledgeOf(uint256 pledgeId) external view returns (Pledge memory);
    /// @notice The part of `whole` that falls to a pledge.
    function partOf(uint256 pledgeId, uint256 whole) external view returns (uint256);
}
