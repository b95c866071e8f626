// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IDisputes} from "./disputes/IDisputes.sol";

/// @title Record of trained checkpoints and their contributors
/// @notice A run is named by the hash of its terms (program, data, first checkpoint, number of steps). A
/// checkpoint enters the record with a proof that it is a leaf of a claim on Disputes that stands. Its
/// contributor is the author of the earliest claim, in whatever order claims are recorded. Every entry is
/// proved, so anyone may add to the record. Nobody can remove an entry; only an earlier claim replaces it.
///
/// A claim can be copied from the chain, also before it is in a block. An author that commits to its claim
/// first, by a hash that only it can make before it claims, has the rank of its commitment.
///
/// What an entry means: under the terms of this run the checkpoint after this step has this root. It does not
/// mean that the run is training. Anyone can open a run whose terms are true of any root, for example by
/// fixing the root in the program, or by a step that changes nothing. So the same root can be in many runs,
/// and this contract names none of them as its origin. A reader takes only runs whose terms it has computed
/// from a description of training. `Recorded` can be searched by root.
/// @dev Nobody administers this contract: no owner, no pause, no upgrade. A claim stands if nobody won a game
/// against it within its window. That is worth only as much as the attention of those who could have
/// challenged it.
interface ITrainingRecord {
    /// @notice What is stored of a run.
    /// @param initial Checkpoint root before the first step.
    /// @param openedAt Unix time at which the run was opened; zero if there is no such run.
    struct Run {
        bytes32 program;
        bytes32 data;
        bytes32 initial;
        uint32 steps;
        uint40 openedAt;
    }

    /// @notice A recorded checkpoint; all zero if there is none.
    /// @param root Checkpoint root after the step, by the earliest of the recorded claims.
    /// @param contributor The author of that claim.
    /// @param contradicted A recorded claim with a different root stands as well. One of the two is false and
    /// was not challenged in time. It stays true.
    /// @param claim Number of that claim on Disputes.
    struct Checkpoint {
        bytes32 root;
        address contributor;
        bool contradicted;
        uint256 claim;
    }

    /// @notice How many of an account's counted claims stood and how many were lost. It proves nothing about
    /// training: a claim under terms that say nothing stands too, and costs only gas, so any account can have
    /// any tally. It is of use only beside the terms of the counted claims, which `Counted` names.
    struct Tally {
        uint64 stood;
        uint64 lost;
    }

    /// @notice A run was opened.
    event Opened(bytes32 indexed run, IDisputes.Terms terms);
    /// @notice A claim was committed to.
    event Committed(bytes32 indexed commitment);
    /// @notice The checkpoint after `step` (counted from 0) was recorded, or an earlier claim has replaced
    /// it.
    event Recorded(
        bytes32 indexed run, bytes32 indexed root, address indexed contributor, uint32 step, uint256 claim
    );
    /// @notice A claim that stands has another root than the record.
    event Contradicted(
        bytes32 indexed run, bytes32 indexed root, address indexed contributor, uint32 step, uint256 claim
    );
    /// @notice A decided claim was counted for or against its author.
    event Counted(uint256 indexed claim, bytes32 indexed run, address indexed contributor, bool stood);

    /// @notice The commitment was made already. The earlier one counts.
    error AlreadyCommitted(bytes32 commitment);
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

    /// @notice Anyone: commits to a claim before it is made. The commitment gives nothing away, because the
    /// claim's root cannot be guessed by anyone who has not done the run.
    /// @param commitment `commitmentTo` of the claim.
    function commit(bytes32 commitment) external;

    /// @notice Anyone: records the checkpoint after a step from a claim that stands. If the checkpoint is
    /// recorded already, the claim of the lower rank is kept.
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
    /// @notice Whether a commitment was made.
    function isCommitted(bytes32 commitment) external view returns (bool);
    /// @notice The place of a claim in time. The claim with the lower rank was made earlier: by its
    /// commitment, or else by its number. Ranks are comparable and have no other meaning.
    function rankOf(uint256 claim) external view returns (uint256);
    /// @notice The commitment to a claim: the hash of its author, its run and its root.
    function commitmentTo(address claimant, bytes32 run, bytes32 claimRoot) external pure returns (bytes32);
    /// @notice How an account's counted claims ended. See `Tally` for how little that proves.
    function tallyOf(address contributor) external view returns (Tally memory);
    /// @notice Whether a claim was counted.
    function counted(uint256 claim) external view returns (bool);
}
