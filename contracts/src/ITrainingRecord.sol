// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IDisputes} from "./disputes/IDisputes.sol";

/// @title What was trained, step by step, and by whom
/// @notice A run is named by the hash of its terms (program, data, first checkpoint, number of steps). A checkpoint enters the record when it
/// is shown to be a leaf of a claim on Disputes that stands, with the claimant as the one who computed it. Nothing is taken on
/// anybody's word, so anybody may add to the record, and nobody can take from it.
/// @dev Nobody administers this contract: no owner, no pause, no upgrade. "Stands" means that nobody won a game against the claim within its
/// window; it is as good as the eyes that looked.
interface ITrainingRecord {
    /// @notice A run.
    /// @param initial Checkpoint root before the first step; `madeBy(initial)` is where it came from, if that is recorded.
    /// @param openedAt When it was recorded, Unix time; zero when there is no such run.
    struct Run {
        bytes32 program;
        bytes32 data;
        bytes32 initial;
        uint32 steps;
        uint40 openedAt;
    }

    /// @notice A recorded checkpoint; all zero when there is none.
    /// @param root Checkpoint root after the step.
    /// @param contributor Who computed it: the author of the claim.
    /// @param contradicted Another claim stands that says otherwise. One of the two is false and nobody looked in time.
    /// @param claim Number of the claim on Disputes.
    struct Checkpoint {
        bytes32 root;
        address contributor;
        bool contradicted;
        uint256 claim;
    }

    /// @notice Where a root was first recorded; `run` is zero when it was not.
    struct Origin {
        bytes32 run;
        uint32 step;
    }

    /// @notice How an account's claims ended, as far as anybody had them counted.
    struct Tally {
        uint64 stood;
        uint64 lost;
    }

    /// @notice A run was opened.
    event Opened(bytes32 indexed run, IDisputes.Terms terms);
    /// @notice The checkpoint after `step` (counted from 0) is recorded.
    event Recorded(
        bytes32 indexed run, uint32 indexed step, address indexed contributor, bytes32 root, uint256 claim
    );
    /// @notice A claim that stands says otherwise than the record.
    event Contradicted(
        bytes32 indexed run, uint32 indexed step, address indexed contributor, bytes32 root, uint256 claim
    );
    /// @notice A decided claim was counted.
    event Counted(uint256 indexed claim, bytes32 indexed run, address indexed contributor, bool stood);

    /// @notice The run is open already.
    error AlreadyOpen(bytes32 run);
    /// @notice There is no such run. Open it first.
    error NoRun(bytes32 run);
    /// @notice The claim is about another run, or does not stand.
    error NotStanding(uint256 claim);
    /// @notice The root is not this step's in the claim.
    error NotInClaim();
    /// @notice The claim is not decided, or was counted before.
    error NothingToCount(uint256 claim);
    /// @notice The terms have no steps.
    error BadTerms();

    /// @notice Who decides.
    function disputes() external view returns (IDisputes);

    /// @notice Opens a run. Anybody may: its name is the hash of what it is.
    /// @return run keccak256(abi.encode(terms)).
    function open(IDisputes.Terms calldata terms) external returns (bytes32 run);

    /// @notice Anyone: records the checkpoint after a step, out of a claim that stands.
    /// @param step Counted from 0.
    /// @param root Checkpoint root after it.
    /// @param proof That `root` is leaf `step` of the claim's root (SHA-256, RFC 6962).
    function record(bytes32 run, uint256 claim, uint32 step, bytes32 root, bytes32[] calldata proof) external;

    /// @notice Anyone: counts a decided claim for or against its author, once.
    function count(uint256 claim) external;

    /// @notice A run.
    function runOf(bytes32 run) external view returns (Run memory);
    /// @notice The recorded checkpoint after a step.
    function checkpointOf(bytes32 run, uint32 step) external view returns (Checkpoint memory);
    /// @notice Where a checkpoint root was first recorded; follow `runOf(run).initial` to go further back.
    function madeBy(bytes32 root) external view returns (Origin memory);
    /// @notice How an account's claims ended.
    function tallyOf(address contributor) external view returns (Tally memory);
    /// @notice Whether a claim was counted.
    function counted(uint256 claim) external view returns (bool);
}
