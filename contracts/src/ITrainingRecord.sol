// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IDisputes} from "./disputes/IDisputes.sol";

/// @title Record of trained checkpoints and their contributors
/// @notice A run is named by the hash of its terms (program, data, first checkpoint, number of steps). A
/// checkpoint enters the record with a proof that it is a leaf of a claim on Disputes that stands. Its
/// contributor is the claimant. Every entry is proved, so anyone may add to the record. Nobody can remove an
/// entry.
/// @dev Nobody administers this contract: no owner, no pause, no upgrade. A claim stands if nobody won a game
/// against it within its window. That is worth only as much as the attention of those who could have
/// challenged it.
interface ITrainingRecord {
    /// @notice What is stored of a run.
    /// @param initial Checkpoint root before the first step. `madeBy(initial)` tells which run made it, if
    /// that is recorded.
    /// @param openedAt Unix time at which the run was opened; zero if there is no such run.
    struct Run {
        bytes32 program;
        bytes32 data;
        bytes32 initial;
        uint32 steps;
        uint40 openedAt;
    }

    /// @notice A recorded checkpoint; all zero if there is none.
    /// @param root Checkpoint root after the step.
    /// @param contributor The author of the claim.
    /// @param contradicted Another claim with a different root stands. One of the two is false and was not
    /// challenged in time.
    /// @param claim Number of the claim on Disputes.
    struct Checkpoint {
        bytes32 root;
        address contributor;
        bool contradicted;
        uint256 claim;
    }

    /// @notice The run and step with which a root was first recorded; `run` is zero if it was not recorded.
    struct Origin {
        bytes32 run;
        uint32 step;
    }

    /// @notice How many of an account's counted claims stood and how many were lost.
    struct Tally {
        uint64 stood;
        uint64 lost;
    }

    /// @notice A run was opened.
    event Opened(bytes32 indexed run, IDisputes.Terms terms);
    /// @notice The checkpoint after `step` (counted from 0) was recorded.
    event Recorded(
        bytes32 indexed run, uint32 indexed step, address indexed contributor, bytes32 root, uint256 claim
    );
    /// @notice A claim that stands has another root than the record.
    event Contradicted(
        bytes32 indexed run, uint32 indexed step, address indexed contributor, bytes32 root, uint256 claim
    );
    /// @notice A decided claim was counted for or against its author.
    event Counted(uint256 indexed claim, bytes32 indexed run, address indexed contributor, bool stood);

    /// @notice The run is already open.
    error AlreadyOpen(bytes32 run);
    /// @notice There is no such run. Open it first.
    error NoRun(bytes32 run);
    /// @notice The claim is about another run, or does not stand.
    error NotStanding(uint256 claim);
    /// @notice The proof does not show the root as the leaf of this step in the claim.
    error NotInClaim();
    /// @notice The claim is not decided or was already counted.
    error NothingToCount(uint256 claim);
    /// @notice The terms have no steps.
    error BadTerms();

    /// @notice The contract that decides about claims.
    function disputes() external view returns (IDisputes);

    /// @notice Anyone: opens a run.
    /// @return run keccak256(abi.encode(terms)).
    function open(IDisputes.Terms calldata terms) external returns (bytes32 run);

    /// @notice Anyone: records the checkpoint after a step from a claim that stands.
    /// @param step The step, counted from 0.
    /// @param root Checkpoint root after the step.
    /// @param proof That `root` is leaf `step` of the claim's root (SHA-256, RFC 6962).
    function record(bytes32 run, uint256 claim, uint32 step, bytes32 root, bytes32[] calldata proof) external;

    /// @notice Anyone: counts a decided claim for or against its author. Each claim counts once.
    function count(uint256 claim) external;

    /// @notice A run; all zero if there is none.
    function runOf(bytes32 run) external view returns (Run memory);
    /// @notice The recorded checkpoint after a step.
    function checkpointOf(bytes32 run, uint32 step) external view returns (Checkpoint memory);
    /// @notice The run and step with which a checkpoint root was first recorded. `runOf(run).initial` leads
    /// further back.
    function madeBy(bytes32 root) external view returns (Origin memory);
    /// @notice How an account's counted claims ended.
    function tallyOf(address contributor) external view returns (Tally memory);
    /// @notice Whether a claim was counted.
    function counted(uint256 claim) external view returns (bool);
}
