// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ITrainingRecord} from "./ITrainingRecord.sol";
import {IDisputes} from "./disputes/IDisputes.sol";
import {MerkleSha256 as Merkle} from "./disputes/MerkleSha256.sol";

/// @title TrainingRecord
/// @notice Implements ITrainingRecord, which documents every function.
contract TrainingRecord is ITrainingRecord {
    /// @dev A rank is a number of claims in its high bits and the order among the commitments that were made
    /// at that number in its low bits. A claim itself comes after all of them.
    uint256 private constant ORDER_BITS = 128;
    uint256 private constant LAST = type(uint128).max;

    IDisputes public immutable disputes;

    mapping(bytes32 run => Run) private _runs;
    mapping(bytes32 run => mapping(uint32 step => Checkpoint)) private _checkpoints;
    mapping(address contributor => Tally) private _tallies;
    mapping(uint256 claim => bool) public counted;
    mapping(bytes32 commitment => uint256 rank) private _committed;
    uint128 private _commitments;

    constructor(IDisputes disputes_) {
        disputes = disputes_;
    }

    /// @inheritdoc ITrainingRecord
    function open(IDisputes.Terms calldata terms) external returns (bytes32 run) {
        run = keccak256(abi.encode(terms));
        require(terms.steps != 0, BadTerms());
        require(_runs[run].openedAt == 0, AlreadyOpen(run));
        _runs[run] = Run(terms.program, terms.data, terms.initial, terms.steps, uint40(block.timestamp));
        emit Opened(run, terms);
    }

    /// @inheritdoc ITrainingRecord
    function commit(bytes32 commitment) external {
        require(_committed[commitment] == 0, AlreadyCommitted(commitment));
        _committed[commitment] = disputes.claimCount() << ORDER_BITS | ++_commitments;
        emit Committed(commitment);
    }

    /// @inheritdoc ITrainingRecord
    function record(bytes32 run, uint256 claim, uint32 step, bytes32 root, bytes32[] calldata proof)
        external
    {
        uint32 steps = _runs[run].steps;
        require(steps != 0, NoRun(run));
        IDisputes.Claim memory c = disputes.claimOf(claim);
        require(c.terms == run && disputes.stands(claim), NotStanding(claim));
        require(Merkle.verify(Merkle.leaf(root), step, steps, proof, c.root), NotInClaim());
        Checkpoint storage kept = _checkpoints[run][step];
        bool isFirst = kept.contributor == address(0);
        if (!isFirst && kept.root != root && !kept.contradicted) {
            kept.contradicted = true;
            emit Contradicted(run, root, c.claimant, step, claim);
        }
        if (isFirst || (claim != kept.claim && _rank(claim, c) < rankOf(kept.claim))) {
            (kept.root, kept.contributor, kept.claim) = (root, c.claimant, claim);
            emit Recorded(run, root, c.claimant, step, claim);
        }
        if (!counted[claim]) _count(claim, c, true);
    }

    /// @inheritdoc ITrainingRecord
    function count(uint256 claim) external {
        IDisputes.Claim memory c = disputes.claimOf(claim);
        bool stood = disputes.stands(claim);
        require((stood || c.lost) && !counted[claim], NothingToCount(claim));
        _count(claim, c, stood);
    }

    /// @inheritdoc ITrainingRecord
    function runOf(bytes32 run) external view returns (Run memory) {
        return _runs[run];
    }

    /// @inheritdoc ITrainingRecord
    function checkpointOf(bytes32 run, uint32 step) external view returns (Checkpoint memory) {
        return _checkpoints[run][step];
    }

    /// @inheritdoc ITrainingRecord
    function tallyOf(address contributor) external view returns (Tally memory) {
        return _tallies[contributor];
    }

    /// @inheritdoc ITrainingRecord
    function isCommitted(bytes32 commitment) external view returns (bool) {
        return _committed[commitment] != 0;
    }

    /// @inheritdoc ITrainingRecord
    function rankOf(uint256 claim) public view returns (uint256) {
        return _rank(claim, disputes.claimOf(claim));
    }

    /// @inheritdoc ITrainingRecord
    function commitmentTo(address claimant, bytes32 run, bytes32 claimRoot) public pure returns (bytes32) {
        return keccak256(abi.encode(claimant, run, claimRoot));
    }

    function _rank(uint256 claim, IDisputes.Claim memory c) private view returns (uint256) {
        uint256 own = claim << ORDER_BITS | LAST;
        uint256 committed = _committed[commitmentTo(c.claimant, c.terms, c.root)];
        return committed != 0 && committed < own ? committed : own;
    }

    function _count(uint256 claim, IDisputes.Claim memory c, bool stood) private {
        counted[claim] = true;
        if (stood) ++_tallies[c.claimant].stood;
        else ++_tallies[c.claimant].lost;
        emit Counted(claim, c.terms, c.claimant, stood);
    }
}
