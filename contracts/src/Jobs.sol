// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Funding} from "./Funding.sol";
import {IJobs} from "./IJobs.sol";
import {IOwnership} from "./IOwnership.sol";
import {IPayments} from "./IPayments.sol";
import {IDisputes} from "./disputes/IDisputes.sol";
import {MerkleSha256 as Merkle} from "./disputes/MerkleSha256.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @title Jobs
/// @notice Implements IJobs, which documents every function.
contract Jobs is IJobs, ReentrancyGuardTransient {
    uint32 public constant MAX_SECONDS = 365 days;
    uint128 public constant MAX_BOND = type(uint96).max;

    IPayments public immutable payments;
    IDisputes public immutable disputes;
    IOwnership public immutable ownership;

    uint256 private immutable TOTAL;

    Job[] private _jobs;
    mapping(uint256 claim => bool) private _delivered;

    constructor(IPayments payments_, IDisputes disputes_, IOwnership ownership_) {
        payments = payments_;
        disputes = disputes_;
        ownership = ownership_;
        TOTAL = ownership_.TOTAL();
    }

    /// @inheritdoc IJobs
    function post(Order calldata order) external payable nonReentrant returns (uint256 job) {
        check(order);
        job = _jobs.length;
        Job storage j = _jobs.push();
        (j.requester, j.state) = (msg.sender, State.Open);
        j.claimBy = uint40(block.timestamp) + order.claimSeconds;
        j.workSeconds = order.workSeconds;
        (j.token, j.workerShares, j.steps) = (order.token, order.workerShares, order.steps);
        j.terms = order.terms;
        (j.price, j.bond) = (order.price, order.bond);
        // Payments numbers its escrows from 0, so the number fits 128 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        j.escrow = uint128(payments.open(order.token));
        emit Posted(job, msg.sender, order.terms, order);
        Funding.take(payments, j.escrow, order.token, order.price);
    }

    /// @inheritdoc IJobs
    function claim(uint256 job) external payable nonReentrant {
        Job storage j = _job(job);
        if (_failed(j)) _forfeit(job, j);
        require(j.state == State.Open, WrongState(j.state));
        require(block.timestamp <= j.claimBy, TooLate(j.claimBy));
        (j.state, j.worker) = (State.Claimed, msg.sender);
        j.claimedAt = uint40(block.timestamp);
        j.deliverBy = uint40(block.timestamp) + j.workSeconds;
        emit Claimed(job, msg.sender, j.deliverBy);
        Funding.take(payments, j.escrow, j.token, j.bond);
    }

    /// @inheritdoc IJobs
    function deliver(
        uint256 job,
        uint256 claim_,
        IDisputes.Terms calldata terms,
        bytes32 root,
        bytes32[] calldata proof
    ) external {
        Job storage j = _job(job);
        require(j.state == State.Claimed, WrongState(j.state));
        require(msg.sender == j.worker, OnlyBy(j.worker));
        require(block.timestamp <= j.deliverBy, TooLate(j.deliverBy));
        require(keccak256(abi.encode(terms)) == j.terms && terms.steps == j.steps, BadClaim(claim_));
        bytes32 claimed = _checkClaim(j, claim_);
        require(
            Merkle.verify(Merkle.leaf(root), terms.steps - 1, terms.steps, proof, claimed), NotTheLastRoot()
        );
        (j.state, j.claim, j.root) = (State.Delivered, claim_, root);
        _delivered[claim_] = true;
        emit Delivered(job, msg.sender, claim_, root);
    }

    /// @inheritdoc IJobs
    function accept(uint256 job) external nonReentrant returns (uint256 model) {
        Job storage j = _job(job);
        require(j.state == State.Delivered, WrongState(j.state));
        if (!disputes.stands(j.claim)) disputes.settle(j.claim);
        j.state = State.Accepted;
        payments.pay(j.escrow, j.worker, uint256(j.price) + j.bond);
        if (j.forfeited != 0) payments.pay(j.escrow, j.requester, j.forfeited);
        model = _createModel(job, j);
        emit Accepted(job, j.worker, model);
    }

    /// @inheritdoc IJobs
    function reopen(uint256 job) external {
        Job storage j = _job(job);
        require(_failed(j), NotFailed());
        _forfeit(job, j);
    }

    /// @inheritdoc IJobs
    function expire(uint256 job) external nonReentrant {
        Job storage j = _job(job);
        if (_failed(j)) _forfeit(job, j);
        require(j.state == State.Open, WrongState(j.state));
        require(block.timestamp > j.claimBy, TooEarly(j.claimBy));
        _end(job, j, State.Expired);
    }

    /// @inheritdoc IJobs
    function cancel(uint256 job) external nonReentrant {
        Job storage j = _job(job);
        require(msg.sender == j.requester, OnlyBy(j.requester));
        if (_failed(j)) _forfeit(job, j);
        require(j.state == State.Open, WrongState(j.state));
        _end(job, j, State.Cancelled);
    }

    /// @inheritdoc IJobs
    function check(Order calldata order) public view {
        require(
            order.terms != 0 && order.price != 0 && order.claimSeconds != 0 && order.workSeconds != 0
                && order.claimSeconds <= MAX_SECONDS && order.workSeconds <= MAX_SECONDS
                && order.workerShares <= TOTAL && order.bond <= MAX_BOND,
            BadOrder()
        );
        // Reverts for a run that nobody could repeat before its claim stands.
        disputes.windowOf(order.steps);
        require(order.token == address(0) || order.token.code.length != 0, IPayments.NotAToken(order.token));
    }

    /// @inheritdoc IJobs
    function jobOf(uint256 job) external view returns (Job memory j) {
        if (job < _jobs.length) j = _jobs[job];
    }

    /// @inheritdoc IJobs
    function jobsOf(uint256[] calldata jobs) external view returns (Job[] memory list, bool[] memory failed) {
        (list, failed) = (new Job[](jobs.length), new bool[](jobs.length));
        for (uint256 i; i < jobs.length; ++i) {
            if (jobs[i] >= _jobs.length) continue;
            Job storage j = _jobs[jobs[i]];
            (list[i], failed[i]) = (j, _failed(j));
        }
    }

    /// @inheritdoc IJobs
    function hasFailed(uint256 job) external view returns (bool) {
        return _failed(_job(job));
    }

    /// @inheritdoc IJobs
    function returned(uint256 job) external view returns (uint256) {
        Job storage j = _job(job);
        if (j.state == State.Accepted) return j.forfeited;
        if (j.state == State.Expired || j.state == State.Cancelled) return uint256(j.price) + j.forfeited;
        return 0;
    }

    /// @inheritdoc IJobs
    function modelOf(uint256 job) external view returns (uint256) {
        return ownership.idOf(address(this), bytes32(job));
    }

    /// @dev Checks that the claim may be delivered and returns its root. It must have been made after the
    /// worker claimed the job: an older claim could have passed its window while nobody had a reason to check
    /// it.
    function _checkClaim(Job storage j, uint256 claim_) private view returns (bytes32) {
        IDisputes.Claim memory c = disputes.claimOf(claim_);
        require(
            c.claimant == j.worker && c.terms == j.terms && !c.lost && !_delivered[claim_]
                && c.windowEnd >= j.claimedAt + disputes.windowOf(j.steps),
            BadClaim(claim_)
        );
        return c.root;
    }

    function _failed(Job storage j) private view returns (bool) {
        if (j.state == State.Claimed) return block.timestamp > j.deliverBy;
        return j.state == State.Delivered && disputes.claimOf(j.claim).lost;
    }

    function _forfeit(uint256 job, Job storage j) private {
        emit Forfeited(job, j.worker, j.bond);
        j.forfeited += j.bond;
        (j.state, j.worker) = (State.Open, address(0));
    }

    function _end(uint256 job, Job storage j, State state) private {
        j.state = state;
        uint256 amount = uint256(j.price) + j.forfeited;
        payments.pay(j.escrow, j.requester, amount);
        emit Ended(job, state, amount);
    }

    function _createModel(uint256 job, Job storage j) private returns (uint256) {
        uint256 forWorker = j.workerShares;
        bool both = forWorker != 0 && forWorker != TOTAL;
        address[] memory holders = new address[](both ? 2 : 1);
        uint256[] memory shares = new uint256[](both ? 2 : 1);
        (holders[0], shares[0]) = forWorker == 0 ? (j.requester, TOTAL) : (j.worker, forWorker);
        if (both) (holders[1], shares[1]) = (j.requester, TOTAL - forWorker);
        return ownership.create(bytes32(job), j.root, j.token, holders, shares);
    }

    function _job(uint256 job) private view returns (Job storage) {
        require(job < _jobs.length, WrongState(State.None));
        return _jobs[job];
    }
}
