// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IHandoffs} from "./IHandoffs.sol";
import {IPayments} from "./IPayments.sol";
import {IDisputes} from "./disputes/IDisputes.sol";

/// @title Pay for hops
/// @notice Devices that compute a run hop by hop share a pot, by the hops that each of them did. Whoever pays
/// funds the pot before the run and names the account that will claim it on Disputes. That account records
/// which handoff of which device each hop of its claim is built on, in one Merkle root. Once the claim
/// stands, each device collects its part: a hop of a step is paid once, to the device in the record, which
/// has to show the handoff that it signed. Nobody reports how many hops it did.
/// @dev Nobody administers this contract: no owner, no pause, no upgrade, no fee. The record says who
/// computed what only as far as its author is honest: a device that was left out has no proof here. A device
/// that looks at the record of each step while it works loses at most a step.
interface IHopShares {
    /// @notice What is stored of a pot.
    /// @param funder Who paid, and gets back what nobody collected by `until`.
    /// @param until Last second (Unix time) in which hops can be collected.
    /// @param steps Steps of the run.
    /// @param claimant The account whose claim counts.
    /// @param hops Hops of each step.
    /// @param isRecorded Whether there is a record.
    /// @param perHop What a hop is paid, in wei.
    /// @param left What was not paid out yet, in wei.
    /// @param terms keccak256(abi.encode(IDisputes.Terms)).
    /// @param run The run's name in handoffs.
    /// @param claim Number of the claim that the record is about.
    /// @param root Root of the record: one leaf for each hop of each step, in this order, each
    /// abi.encodePacked(device, digest of the handoff) (SHA-256, RFC 6962).
    struct Pot {
        address funder;
        uint64 until;
        uint32 steps;
        address claimant;
        uint32 hops;
        bool isRecorded;
        uint128 perHop;
        uint128 left;
        bytes32 terms;
        bytes32 run;
        uint256 claim;
        bytes32 root;
    }

    /// @notice A hop of the record.
    /// @param proof The path of its leaf in the record.
    struct Entry {
        IHandoffs.Handoff handoff;
        IHandoffs.Signature signature;
        bytes32[] proof;
    }

    /// @notice A pot was funded.
    event Funded(
        uint256 indexed pot, bytes32 indexed run, address indexed claimant, uint256 amount, uint64 until
    );
    /// @notice The claimant recorded which handoffs its claim is built on.
    event Recorded(uint256 indexed pot, uint256 indexed claim, bytes32 root);
    /// @notice A device collected its part for some hops.
    event Collected(uint256 indexed pot, address indexed device, uint256 hops, uint256 amount);
    /// @notice The funder took back what nobody had collected.
    event Returned(uint256 indexed pot, uint256 amount);

    /// @notice The run has no hops, the time is over, or the amount is less than a wei a hop or over 128
    /// bits.
    error BadPot();
    /// @notice Only `who` may make this call.
    error OnlyBy(address who);
    /// @notice The claim is by another account, under other terms, or lost.
    error BadClaim(uint256 claim);
    /// @notice The pot has a record, and its claim is not lost.
    error AlreadyRecorded();
    /// @notice The claim of the record does not stand, or there is no record.
    error NotStanding();
    /// @notice The last second for this call was `since`.
    error TooLate(uint256 since);
    /// @notice This call is possible only after `until`.
    error TooEarly(uint256 until);
    /// @notice The device signed a false handoff of this run.
    error Forfeited();
    /// @notice The handoff is of another run, not in the record at its step and hop, or not signed by the
    /// device.
    error NotInRecord(uint64 step, uint32 hop);
    /// @notice This hop of this step was paid.
    error AlreadyPaid(uint64 step, uint32 hop);
    /// @notice There is nothing left.
    error NothingLeft();

    /// @notice The contract that knows which devices signed false handoffs.
    function handoffs() external view returns (IHandoffs);
    /// @notice The contract that decides about claims.
    function disputes() external view returns (IDisputes);
    /// @notice The contract that holds the money.
    function payments() external view returns (IPayments);

    /// @notice Funds a pot with the coin sent.
    /// @param terms Terms of the run.
    /// @param claimant The account that will claim the run.
    /// @param hops Hops of each step.
    /// @param until Last second in which devices can collect. Devices that rely on the pot check that this is
    /// after the time by which a claim is decided.
    function fund(IDisputes.Terms calldata terms, address claimant, uint32 hops, uint64 until)
        external
        payable
        returns (uint256 pot);

    /// @notice Claimant: records the handoffs that its claim is built on. Another record is possible only if
    /// the claim of the first is lost.
    function record(uint256 pot, uint256 claim, bytes32 root) external;

    /// @notice Anyone: pays a device for hops of the record, as credit in Payments.
    function collect(uint256 pot, address device, Entry[] calldata entries) external;

    /// @notice Anyone: gives what nobody collected in time back to the funder, as credit in Payments.
    function giveBack(uint256 pot) external;

    /// @notice A pot; all zero if there is none.
    function potOf(uint256 pot) external view returns (Pot memory);
    /// @notice Whether a hop of a step was paid.
    function isPaid(uint256 pot, uint64 step, uint32 hop) external view returns (bool);
}
