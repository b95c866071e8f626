// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IOwnership} from "./IOwnership.sol";
import {IPayments} from "./IPayments.sol";
import {IDisputes} from "./disputes/IDisputes.sol";

/// @title Training for pay
/// @notice A requester posts a training task, committed to by the hash of its terms (program, data, first checkpoint, steps), with the
/// price. A worker claims it against a bond, trains, and delivers a claim on Disputes under exactly these terms, made by itself after it
/// had claimed the job. When that claim stands, anybody can have the job accepted: the worker is paid and the model with its shares is
/// made. Nobody's goodwill is asked for. When the claim is lost, or the worker's time runs out, its bond is forfeited and the job is
/// open again; when nobody delivers in time, the requester gets the price back and every forfeited bond with it.
/// @dev Nobody administers this contract: no owner, no pause, no upgrade, no fee. Money is in Payments, in one escrow for each job.
interface IJobs {
    /// @notice What a requester asks for.
    /// @param terms keccak256(abi.encode(IDisputes.Terms)).
    /// @param about sha2-256 digest of a description: where program and data are to be had, and what it is for.
    /// @param token What price and bond are in: an ERC-20, or zero for the chain's coin.
    /// @param price What the worker gets.
    /// @param bond What a worker lays down, and gets back with the price.
    /// @param claimSeconds For how long after posting the job can be claimed, `MAX_SECONDS` at most.
    /// @param workSeconds Time from claiming to delivering, `MAX_SECONDS` at most.
    /// @param workerShares Shares of the model for the worker, of Ownership's TOTAL; the others are the requester's.
    struct Order {
        bytes32 terms;
        bytes32 about;
        address token;
        uint128 price;
        uint128 bond;
        uint32 claimSeconds;
        uint32 workSeconds;
        uint32 workerShares;
    }

    /// @param None There is no such job.
    /// @param Open It can be claimed until `claimBy`.
    /// @param Claimed A worker has until `deliverBy`.
    /// @param Delivered Disputes decides.
    /// @param Accepted The worker is paid and the model made.
    /// @param Expired The requester has the money back.
    /// @param Cancelled The requester has the money back.
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
    /// @param claimBy Last second (Unix time) at which it can be claimed.
    /// @param claimedAt When the present worker claimed it.
    /// @param deliverBy Last second at which the present worker can deliver.
    /// @param escrow Where its money is in Payments.
    /// @param forfeited Bonds of workers that failed; the requester's when the job ends.
    /// @param claim Number of the delivered claim on Disputes.
    /// @param root Checkpoint root after the last step, as delivered.
    struct Job {
        address requester;
        State state;
        uint40 claimBy;
        uint32 workSeconds;
        address token;
        uint32 workerShares;
        uint40 claimedAt;
        bytes32 terms;
        uint128 price;
        uint128 bond;
        address worker;
        uint40 deliverBy;
        uint128 escrow;
        uint128 forfeited;
        uint256 claim;
        bytes32 root;
    }

    /// @notice A job was posted.
    event Posted(uint256 indexed job, address indexed requester, bytes32 indexed terms, Order order);
    /// @notice A worker claimed the job.
    event Claimed(uint256 indexed job, address indexed worker, uint40 deliverBy);
    /// @notice The worker showed a claim on Disputes and the last checkpoint root of it.
    event Delivered(uint256 indexed job, address indexed worker, uint256 indexed claim, bytes32 root);
    /// @notice The worker failed; its bond is forfeited.
    event Forfeited(uint256 indexed job, address indexed worker, uint256 bond);
    /// @notice The delivered claim stands: the worker is paid, the model exists.
    event Accepted(uint256 indexed job, address indexed worker, uint256 indexed model);
    /// @notice Nobody delivered, or the requester took the job back; `returned` is the requester's credit in Payments.
    event Ended(uint256 indexed job, State state, uint256 returned);

    /// @notice The order names no terms, no price, a time that is zero or over `MAX_SECONDS`, or more shares than there are.
    error BadOrder();
    /// @notice The job is not in a state in which this can be done.
    error WrongState(State state);
    /// @notice The time for this is over.
    error TooLate(uint256 since);
    /// @notice The time for this has not come.
    error TooEarly(uint256 until);
    /// @notice Only this account may do it.
    error OnlyBy(address who);
    /// @notice The claim is not the worker's, not under the job's terms, older than the worker's claiming of the job, or lost.
    error BadClaim(uint256 claim);
    /// @notice The root is not the last one of the claim.
    error NotTheLastRoot();
    /// @notice The worker still has time, or the claim is not lost.
    error NotFailed();

    /// @notice Longest time an order may give for claiming or for working, in seconds.
    function MAX_SECONDS() external view returns (uint32);
    /// @notice Where the money is.
    function payments() external view returns (IPayments);
    /// @notice Who decides.
    function disputes() external view returns (IDisputes);
    /// @notice Where the models are.
    function ownership() external view returns (IOwnership);

    /// @notice Requester: posts a job and pays its price in.
    function post(Order calldata order) external payable returns (uint256 job);

    /// @notice Worker: claims an open job, or one whose worker has failed, and lays the bond down.
    function claim(uint256 job) external payable;

    /// @notice Worker: delivers its claim on Disputes.
    /// @param claim Number of the claim: by the worker, under the job's terms, made after the job was claimed, not lost.
    /// @param terms What the job's terms are the hash of.
    /// @param root Checkpoint root after the last step.
    /// @param proof That `root` is the last leaf of the claim's root (SHA-256, RFC 6962).
    function deliver(
        uint256 job,
        uint256 claim,
        IDisputes.Terms calldata terms,
        bytes32 root,
        bytes32[] calldata proof
    ) external;

    /// @notice Anyone: ends a job whose delivered claim stands; settles that claim on Disputes where this is left to do.
    /// @return model The model's id in Ownership.
    function accept(uint256 job) external returns (uint256 model);

    /// @notice Anyone: takes the job from a worker that is late or whose claim is lost.
    function reopen(uint256 job) external;

    /// @notice Anyone: ends a job that nobody claimed in time, or whose worker failed when that time was over.
    function expire(uint256 job) external;

    /// @notice Requester: takes a job back that no worker holds.
    function cancel(uint256 job) external;

    /// @notice Reverts with `BadOrder` or `NotAToken` when such an order cannot be posted.
    function check(Order calldata order) external view;

    /// @notice A job; all zero when there is none.
    function jobOf(uint256 job) external view returns (Job memory);

    /// @notice Whether the worker is late or its claim is lost, so that the job can be taken from it.
    function hasFailed(uint256 job) external view returns (bool);

    /// @notice What the requester got back when the job ended; zero before.
    function returned(uint256 job) external view returns (uint256);

    /// @notice The model of an accepted job; the id is known before.
    function modelOf(uint256 job) external view returns (uint256);
}
