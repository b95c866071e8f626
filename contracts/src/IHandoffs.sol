// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IPayments} from "./IPayments.sol";
import {IDisputes} from "./disputes/IDisputes.sol";

/// @title Bonds of devices, and who pays for a false handoff
/// @notice A step over parameter blocks is computed hop by hop on different devices. A device signs a handoff
/// for each hop: from tensors with these roots it computed tensors with those. Whoever claims the run on
/// Disputes builds on the handoffs of others, and would lose its bond for the lie of one of them. So each
/// device deposits a bond for the claims of that account, and a device whose handoff is false pays for the
/// claim that was lost over it.
///
/// A handoff is false if Disputes says so: a claim about the hop alone, from the very inputs that the device
/// signed, stands with another result (`convict`). So nobody can frame a device by giving it false inputs, by
/// letting an accomplice win a game, or by showing false intermediate tensors of its own: nothing but the
/// hop's slots in the run's program and the roots that the device signed counts. Two handoffs of one hop with
/// the same inputs and different outputs need no claim (`contradict`).
/// @dev Nobody administers this contract: no owner, no pause, no upgrade, no fee. Bonds are in one escrow of
/// Payments. docs/verde.md has the rules, docs/threat-model.md the attacks.
interface IHandoffs {
    /// @notice What a device signs (EIP-712). protocol/handoff.ts has the same type.
    /// @param run keccak256(abi.encode(program, initial)) of the terms of the run.
    /// @param step The step, counted from 0.
    /// @param hop The hop's place among the step's actions, counted from 0.
    /// @param version Root of the version of the block that the hop read.
    /// @param inputs SHA-256 Merkle root over the tensors that the hop's slots read and do not compute, state
    /// and data included; each leaf is abi.encodePacked(slot, root).
    /// @param outputs The same over the tensors that the hop hands on.
    struct Handoff {
        bytes32 run;
        uint64 step;
        uint32 hop;
        bytes32 version;
        bytes32 inputs;
        bytes32 outputs;
    }

    /// @notice An ECDSA signature in two words (EIP-2098).
    struct Signature {
        bytes32 r;
        bytes32 vs;
    }

    /// @notice A tensor of a step: its slot in the program, and its root.
    struct SlotRoot {
        uint32 slot;
        bytes32 root;
    }

    /// @notice A tensor that is the same in every step, as the run's program has it.
    /// @param proof The path of its entry in the program's tree.
    struct Table {
        uint32 slot;
        bytes32 root;
        bytes32[] proof;
    }

    /// @notice A hop as a part of the run's program.
    /// @param inputs The leaves of the handoff's `inputs`.
    /// @param tables The fixed tensors that the hop's slots read and that are not among `inputs`.
    /// @param outputs The leaves of the handoff's `outputs`.
    /// @param first The hop's first slot.
    /// @param slots The entries of the program from `first` on, all of them outputs of operators. Each reads
    /// slots that are among `inputs` or `tables` or before it in this list.
    /// @param proofs For each entry the path in the program's tree.
    struct Hop {
        SlotRoot[] inputs;
        Table[] tables;
        SlotRoot[] outputs;
        uint32 first;
        IDisputes.Slot[] slots;
        bytes32[][] proofs;
    }

    /// @notice Where a lost game ended at an output of a handoff.
    /// @param game Number of the game on Disputes.
    /// @param inputs The leaves of the handoff's `inputs`, and for each the path in the claimant's trace.
    /// @param outputs The leaves of the handoff's `outputs`.
    /// @param output Which of the outputs the game ended at.
    /// @param proof The path of that output in the claimant's trace.
    struct Loss {
        uint256 game;
        SlotRoot[] inputs;
        bytes32[][] inputProofs;
        SlotRoot[] outputs;
        uint256 output;
        bytes32[] proof;
    }

    /// @notice A device's bond for the claims of one account about one run.
    /// @param amount What is left of it, in wei.
    /// @param until The device can withdraw it after this second (Unix time).
    struct Bond {
        uint128 amount;
        uint64 until;
    }

    /// @notice A device deposited a bond, or more of it, or for longer.
    event Deposited(
        address indexed device, bytes32 indexed run, address indexed claimant, uint256 amount, uint64 until
    );
    /// @notice A device took its bond back.
    event Withdrawn(address indexed device, bytes32 indexed run, address indexed claimant, uint256 amount);
    /// @notice A handoff is false: a claim about its hop stands with another result.
    event Convicted(address indexed device, bytes32 indexed run, bytes32 digest, uint256 claim);
    /// @notice A device signed two results of one hop from the same inputs.
    event Contradicted(address indexed device, bytes32 indexed run, bytes32 first, bytes32 second);
    /// @notice A device's bond paid for a lost claim. What was left of the bond is burned.
    event Blamed(uint256 indexed claim, address indexed device, uint256 paid, uint256 burned);

    /// @notice The time is over, lies before the time that the bond is locked until now, or is more than
    /// `MAX_LOCK` ahead.
    error BadTime(uint64 until);
    /// @notice The call sent no coin, or more than 128 bits of it.
    error BadAmount();
    /// @notice The bond is locked until `until`.
    error Locked(uint64 until);
    /// @notice The device signed a false handoff of this run. Its bonds about the run stay.
    error Forfeited();
    /// @notice There is no bond.
    error NoBond();
    /// @notice The device did not sign this handoff.
    error NotSigned();
    /// @notice The two handoffs do not contradict each other.
    error NoContradiction();
    /// @notice The terms are not of the handoff's run.
    error OtherRun();
    /// @notice The tensors are not those that the handoff names.
    error OtherTensors();
    /// @notice The slots or tables are not those of the program, the slots are not outputs of operators, read
    /// what is neither an input of the handoff nor a table nor a slot before, or lack an output of the
    /// handoff.
    error BadHop();
    /// @notice The claim is not about this hop from these inputs, does not stand, or says what the handoff
    /// says.
    error NotRefuted(uint256 claim);
    /// @notice The handoff was not convicted.
    error NotConvicted();
    /// @notice The game's claim is not lost or is about another run, or the game did not end at this output
    /// of this step.
    error NotLost(uint256 game);
    /// @notice The tensors are not in the claimant's trace, or an input does not come before the output.
    error NotInTrace();
    /// @notice The claim has been paid for in full.
    error AlreadyPaid(uint256 claim);

    /// @notice Longest time in the future, in seconds, until which a bond can be locked.
    function MAX_LOCK() external view returns (uint64);
    /// @notice The contract that decides about claims.
    function disputes() external view returns (IDisputes);
    /// @notice The contract that holds the bonds.
    function payments() external view returns (IPayments);

    /// @notice Device: deposits the coin sent as its bond for the claims of `claimant` about a run, or adds
    /// it to that bond. The bond can be withdrawn after `until`. A claimant that relies on the bond checks
    /// that this is after the time by which its claim, and then a claim about a hop, are decided.
    function deposit(bytes32 run, address claimant, uint64 until) external payable;

    /// @notice Device: takes its bond back as credit in Payments.
    function withdraw(bytes32 run, address claimant) external;

    /// @notice Anyone: shows two handoffs of a device for one hop with the same inputs and different outputs.
    /// All bonds of the device about the run are forfeited.
    function contradict(
        address device,
        Handoff calldata first,
        Signature calldata firstSignature,
        Handoff calldata second,
        Signature calldata secondSignature
    ) external;

    /// @notice Anyone: convicts a handoff by a claim on Disputes about its hop, which stands with another
    /// result. The claim's terms are `hopTerms`. All bonds of the device about the run are forfeited.
    /// @param terms Terms of the handoff's run.
    /// @param claim Number of the claim about the hop.
    function convict(
        address device,
        Handoff calldata handoff,
        Signature calldata signature,
        IDisputes.Terms calldata terms,
        Hop calldata hop,
        uint256 claim
    ) external;

    /// @notice Anyone: makes the bond of a convicted handoff's device pay the author of a claim that was lost
    /// over it, up to the claim's bond. What is left of the device's bond is burned.
    /// @param terms Terms of the lost claim.
    function blame(
        address device,
        Handoff calldata handoff,
        IDisputes.Terms calldata terms,
        Loss calldata loss
    ) external;

    /// @notice The EIP-712 digest of a handoff.
    function digestOf(Handoff calldata handoff) external view returns (bytes32);
    /// @notice The name of a run in handoffs.
    function runOf(IDisputes.Terms calldata terms) external pure returns (bytes32);
    /// @notice The terms of a claim about a hop alone: a run of one step whose data are the hop's inputs,
    /// whose program are its tables and slots, and whose result is composed from the hop's outputs.
    function hopTerms(IDisputes.Terms calldata terms, Hop calldata hop)
        external
        pure
        returns (IDisputes.Terms memory);
    /// @notice The root of a claim that says of a hop what a handoff with these outputs says.
    function claimRootOf(SlotRoot[] calldata outputs) external pure returns (bytes32);
    /// @notice A bond; all zero if there is none.
    function bondOf(address device, bytes32 run, address claimant) external view returns (Bond memory);
    /// @notice Whether the bonds of a device about a run are forfeited.
    function isForfeited(address device, bytes32 run) external view returns (bool);
    /// @notice Whether this handoff of the device was convicted.
    function isConvicted(address device, bytes32 digest) external view returns (bool);
    /// @notice What devices have paid for a lost claim.
    function paidFor(uint256 claim) external view returns (uint256);
    /// @notice What was left of bonds that have paid. Nobody can withdraw it.
    function burned() external view returns (uint256);
}
