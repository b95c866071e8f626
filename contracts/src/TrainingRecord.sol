// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ITrainingRecord} from "./ITrainingRecord.sol";
import {IDisputes} from "./disputes/IDisputes.sol";
import {MerkleSha256 as Merkle} from "./disputes/MerkleSha256.sol";

/// @title TrainingRecord
/// @notice Implements ITrainingRecord, which documents every function.
contract TrainingRecord is ITrainingRecord {
    IDisputes public immutable disputes;

    mapping(bytes32 run => Run) private _runs;
    mapping(bytes32 run => mapping(uint32 step => Checkpoint)) private _checkpoints;
    mapping(bytes32 root => Origin) private _origins;
    mapping(address contributor => Tally) private _tallies;
    mapping(uint256 claim => bool) public counted;

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
    function record(bytes32 run, uint256 claim, uint32 step, bytes32 root, bytes32[] calldata proof)
        external
    {
        uint32 steps = _runs[run].steps;
        require(steps != 0, NoRun(run));
        IDisputes.Claim memory c = disputes.claimOf(claim);
        require(c.terms == run && disputes.stands(claim), NotStanding(claim));
        require(Merkle.verify(Merkle.leaf(root), step, steps, proof, c.root), NotInClaim());
        Checkpoint storage kept = _checkpoints[run][step];
        if (kept.contributor == address(0)) {
            _checkpoints[run][step] = Checkpoint(root, c.claimant, false, claim);
            if (_origins[root].run == 0) _origins[root] = Origin(run, step);
            emit Recorded(run, step, c.claimant, root, claim);
        } else if (kept.root != root) {
            kept.contradicted = true;
            emit Contradicted(run, step, c.claimant, root, claim);
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
    function madeBy(bytes32 root) external view returns (Origin memory) {
        return _origins[root];
    }

    /// @inheritdoc ITrainingRecord
    function tallyOf(address contributor) external view returns (Tally memory) {
        return _tallies[contributor];
    }

    function _count(uint256 claim, IDisputes.Claim memory c, bool stood) private {
        counted[claim] = true;
        if (stood) ++_tallies[c.claimant].stood;
        else ++_tallies[c.claimant].lost;
        emit Counted(claim, c.terms, c.claimant, stood);
    }
}
