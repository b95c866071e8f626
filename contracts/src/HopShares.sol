// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IHandoffs} from "./IHandoffs.sol";
import {IHopShares} from "./IHopShares.sol";
import {IPayments} from "./IPayments.sol";
import {Signed} from "./Signed.sol";
import {IDisputes} from "./disputes/IDisputes.sol";
import {MerkleSha256 as Merkle} from "./disputes/MerkleSha256.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";

/// @title HopShares
/// @notice Implements IHopShares, which documents every function.
contract HopShares is IHopShares {
    using BitMaps for BitMaps.BitMap;

    IHandoffs public immutable handoffs;
    IDisputes public immutable disputes;
    IPayments public immutable payments;
    uint256 private immutable ESCROW;

    Pot[] private _pots;
    mapping(uint256 pot => BitMaps.BitMap) private _paid;

    constructor(IHandoffs handoffs_) {
        handoffs = handoffs_;
        disputes = handoffs_.disputes();
        payments = handoffs_.payments();
        ESCROW = payments.open(address(0));
    }

    /// @inheritdoc IHopShares
    function fund(IDisputes.Terms calldata terms, address claimant, uint32 hops, uint64 until)
        external
        payable
        returns (uint256 pot)
    {
        uint256 count = uint256(terms.steps) * hops;
        require(
            count != 0 && until > block.timestamp && msg.value >= count && msg.value <= type(uint128).max,
            BadPot()
        );
        pot = _pots.length;
        Pot storage p = _pots.push();
        (p.funder, p.until, p.steps) = (msg.sender, until, terms.steps);
        (p.claimant, p.hops) = (claimant, hops);
        // forge-lint: disable-next-line(unsafe-typecast)
        (p.perHop, p.left) = (uint128(msg.value / count), uint128(msg.value));
        (p.terms, p.run) = (keccak256(abi.encode(terms)), handoffs.runOf(terms));
        emit Funded(pot, p.run, claimant, msg.value, until);
        payments.deposit{value: msg.value}(ESCROW, msg.value);
    }

    /// @inheritdoc IHopShares
    function record(uint256 pot, uint256 claim, bytes32 root) external {
        Pot storage p = _pots[pot];
        require(msg.sender == p.claimant, OnlyBy(p.claimant));
        require(!p.isRecorded || disputes.claimOf(p.claim).lost, AlreadyRecorded());
        IDisputes.Claim memory c = disputes.claimOf(claim);
        require(c.claimant == p.claimant && c.terms == p.terms && !c.lost, BadClaim(claim));
        (p.isRecorded, p.claim, p.root) = (true, claim, root);
        emit Recorded(pot, claim, root);
    }

    /// @inheritdoc IHopShares
    function collect(uint256 pot, address device, Entry[] calldata entries) external {
        Pot storage p = _pots[pot];
        require(p.isRecorded && disputes.stands(p.claim), NotStanding());
        require(block.timestamp <= p.until, TooLate(p.until));
        require(!handoffs.isForfeited(device, p.run), Forfeited());
        for (uint256 i; i < entries.length; ++i) {
            _take(pot, p, device, entries[i]);
        }
        uint256 amount = entries.length * p.perHop;
        // Each hop is paid once, so all of them together are paid at most what was funded.
        // forge-lint: disable-next-line(unsafe-typecast)
        p.left -= uint128(amount);
        emit Collected(pot, device, entries.length, amount);
        payments.pay(ESCROW, device, amount);
    }

    /// @dev Marks one hop as paid.
    function _take(uint256 pot, Pot storage p, address device, Entry calldata entry) private {
        (uint64 step, uint32 hop) = (entry.handoff.step, entry.handoff.hop);
        bytes32 digest = handoffs.digestOf(entry.handoff);
        uint256 place = uint256(step) * p.hops + hop;
        require(
            entry.handoff.run == p.run && hop < p.hops && device != address(0)
                && Signed.signer(digest, entry.signature.r, entry.signature.vs) == device
                && Merkle.verify(
                    Merkle.leaf(abi.encodePacked(device, digest)),
                    place,
                    uint256(p.steps) * p.hops,
                    entry.proof,
                    p.root
                ),
            NotInRecord(step, hop)
        );
        require(!_paid[pot].get(place), AlreadyPaid(step, hop));
        _paid[pot].set(place);
    }

    /// @inheritdoc IHopShares
    function giveBack(uint256 pot) external {
        Pot storage p = _pots[pot];
        require(block.timestamp > p.until, TooEarly(p.until));
        uint256 amount = p.left;
        require(amount != 0, NothingLeft());
        p.left = 0;
        emit Returned(pot, amount);
        payments.pay(ESCROW, p.funder, amount);
    }

    /// @inheritdoc IHopShares
    function potOf(uint256 pot) external view returns (Pot memory p) {
        if (pot < _pots.length) p = _pots[pot];
    }

    /// @inheritdoc IHopShares
    function isPaid(uint256 pot, uint64 step, uint32 hop) external view returns (bool) {
        return _paid[pot].get(uint256(step) * _pots[pot].hops + hop);
    }
}
