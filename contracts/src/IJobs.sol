// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IOwnership} from "./IOwnership.sol";
import {IPayments} from "./IPayments.sol";
import {IDisputes} from "./disputes/IDisputes.sol";

/// @title Paid training jobs
/// @notice A requester posts a job: the hash of the terms of a training run (program, data, first checkpoint,
/// steps), and the price. A worker claims the job against a bond, trains, and delivers its own claim on
/// Disputes under these terms, made after it claimed the job. Once that claim stands, anyone can accept the
/// job: the worker is paid, and the model and its shares are created. The requester cannot prevent it. If the
/// claim is lost, or the worker's time runs out, the bond is forfeited and the job is open again. If nobody
/// delivers in time, the requester gets back the price and all forfeited bonds.
/// @dev Nobody administers this contract: no owner, no pause, no upgrade, no fee. Money is in Payments, in
/// one escrow for each job.
interface IJobs {
    /// @notice What a requester orders.
    /// @param terms keccak256(abi.encode(IDisputes.Terms)).
    /// @param about sha2-256 digest of a description, which says where program and data are and what the job
    /// is for.
    /// @param token The currency of price and bond: an ERC-20, or zero for the chain's coin.
    /// @param price What the worker is paid.
    /// @param bond What a worker deposits, at most `MAX_BOND`. It gets the bond back with the price.
    /// @param claimSeconds For how long after posting the job can be claimed, at most `MAX_SECONDS`.
    /// @param workSeconds Time from claiming to delivering, at most `MAX_SECONDS`.
    /// @param workerShares The worker's shares of the model, out of Ownership's TOTAL. The requester gets the
    /// others.
    /// @param steps The number of steps in the terms. With another number nobody can deliver.
    struct Order {
        bytes32 terms;
        bytes32 about;
        address token;
        uint128 price;
        uint128 bond;
        uint32 claimSeconds;
        uint32 workSeconds;
        uint32 workerShares;
        uint32 steps;
    }

    /// @notice The state of a job.
    /// @param None There is no such job.
    /// @param Open The job can be claimed until `claimBy`.
    /// @param Claimed A worker can deliver until `deliverBy`.
    /// @param Delivered Disputes decides about the delivered claim.
    /// @param Accepted The worker is paid and the model is created.
    /// @param Expired Nobody delivered in time. The requester has the money back.
    /// @param Cancelled The requester cancelled the job and has the money back.
    enum State {
        None,
        Open,
        Claimed,
        Delivered,
        Accepted,
        Expired,
        Cancelled
    }

    /// @notice What is stored of a job.
    /// @param claimBy Last second (Unix time) at which the job can be claimed.
    /// @param claimedAt When the current worker claimed the job.
    /// @param deliverBy Last second at which the current worker can deliver.
    /// @param escrow Number of the job's escrow in Payments.
    /// @param forfeited Bonds of workers that failed. The requester gets them when the job ends.
    /// @param claim Number of the delivered claim on Disputes.
    /// @param root Checkpoint root after the last step, as delivered.
    struct Job {
        address requester;
        State state;
        uint40 claimBy;
        uint32 workSeconds;
        address token;
        uint32 workerShares;
        uint32 steps;
        bytes32 terms;
        uint128 price;
        uint128 bond;
        address worker;
        uint40 deliverBy;
        uint40 claimedAt;
        uint128 escrow;
        uint128 forfeited;
        uint256 claim;
        bytes32 root;
    }

    /// @notice A job was posted.
    event Posted(uint256 indexed job, address indexed requester, bytes32 indexed terms, Order order);
    /// @notice A worker claimed the job.
    event Claimed(uint256 indexed job, address indexed worker, uint40 deliverBy);
    /// @notice The worker delivered a claim on Disputes and its last checkpoint root.
    event Delivered(uint256 indexed job, address indexed worker, uint256 indexed claim, bytes32 root);
    /// @notice The worker failed and its bond is forfeited.
    event Forfeited(uint256 indexed job, address indexed worker, uint256 bond);
    /// @notice The delivered claim stands. The worker is paid and the model is created.
    event Accepted(uint256 indexed job, address indexed worker, uint256 indexed model);
    /// @notice The job expired or was cancelled. `returned` was paid to the requester's credit in Payments.
    event Ended(uint256 indexed job, State state, uint256 returned);

    /// @notice The terms or the price are zero, a time is zero or over `MAX_SECONDS`, the bond is over
    /// `MAX_BOND`, or the shares exceed TOTAL.
    error BadOrder();
    /// @notice The state of the job does not allow this call.
    error WrongState(State state);
    /// @notice The last second for this call was `since`.
    error TooLate(uint256 since);
    /// @notice This call is possible only after `until`.
    error TooEarly(uint256 until);
    /// @notice Only `who` may make this call.
    error OnlyBy(address who);
    /// @notice The claim is by another account, under other terms, lost, made before the worker claimed the
    /// job, or delivered for another job already.
    error BadClaim(uint256 claim);
    /// @notice The root is not the last checkpoint root of the claim.
    error NotTheLastRoot();
    /// @notice The worker has not failed: it still has time, or its claim is not lost.
    error NotFailed();

    /// @notice Longest time that an order may give for claiming or for working, in seconds.
    function MAX_SECONDS() external view returns (uint32);
    /// @notice Highest bond that an order may ask for. Forfeited bonds then never exceed 128 bits.
    function MAX_BOND() external view returns (uint128);
    /// @notice The contract that holds the money.
    function payments() external view returns (IPayments);
    /// @notice The contract that decides about claims.
    function disputes() external view returns (IDisputes);
    /// @notice The contract that holds the models.
    function ownership() external view returns (IOwnership);

    /// @notice Requester: posts a job and deposits its price.
    function post(Order calldata order) external payable returns (uint256 job);

    /// @notice Worker: claims an open job, or a job whose worker has failed, and deposits the bond.
    function claim(uint256 job) external payable;

    /// @notice Worker: delivers its claim on Disputes.
    /// @param claim Number of the claim. The worker made it under the job's terms after it claimed the job,
    /// it is not lost, and it was delivered for no other job.
    /// @param terms The terms, whose hash is in the order.
    /// @param root Checkpoint root after the last step.
    /// @param proof That `root` is the last leaf of the claim's root (SHA-256, RFC 6962).
    function deliver(
        uint256 job,
        uint256 claim,
        IDisputes.Terms calldata terms,
        bytes32 root,
        bytes32[] calldata proof
    ) external;

    /// @notice Anyone: accepts a job whose delivered claim stands. Settles the claim on Disputes if nobody
    /// has done so.
    /// @return model The id of the model in Ownership.
    function accept(uint256 job) external returns (uint256 model);

    /// @notice Anyone: reopens a job whose worker is late or whose claim is lost.
    function reopen(uint256 job) external;

    /// @notice Anyone: ends a job after `claimBy` if no worker holds it, or if its worker has failed.
    function expire(uint256 job) external;

    /// @notice Requester: cancels a job that no worker holds, or whose worker has failed.
    function cancel(uint256 job) external;

    /// @notice Reverts with `BadOrder`, `NotAToken`, or Disputes' `BadTerms` if the order cannot be posted.
    /// `BadTerms` means that the run has too many steps to be repeated in the window of a claim.
    function check(Order calldata order) external view;

    /// @notice A job; all zero if there is none.
    function jobOf(uint256 job) external view returns (Job memory);

    /// @notice Several jobs, in the order of the numbers, and whether each has failed (`hasFailed`). All zero
    /// where there is none.
    function jobsOf(uint256[] calldata jobs) external view returns (Job[] memory, bool[] memory);

    /// @notice Whether the worker is late or its claim is lost, so that the job can be reopened.
    function hasFailed(uint256 job) external view returns (bool);

    /// @notice The amount that the requester got back when the job ended; zero before.
    function returned(uint256 job) external view returns (uint256);

    /// @notice The id of the model of an accepted job. The id is known from the start.
    function modelOf(uint256 job) external view returns (uint256);
}
