// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {HopProgram} from "./HopProgram.sol";
import {IHandoffs} from "./IHandoffs.sol";
import {IPayments} from "./IPayments.sol";
import {Signed} from "./Signed.sol";
import {IDisputes} from "./disputes/IDisputes.sol";
import {MerkleSha256 as Merkle} from "./disputes/MerkleSha256.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title Handoffs
/// @notice Implements IHandoffs, which documents every function.
contract Handoffs is IHandoffs, EIP712 {
    bytes32 private constant HANDOFF_TYPEHASH = keccak256(
        "Handoff(bytes32 run,uint64 step,uint32 hop,bytes32 version,bytes32 inputs,bytes32 outputs)"
    );

    uint64 public constant MAX_LOCK = 365 days;

    IPayments public immutable payments;
    IDisputes public immutable disputes;
    uint256 private immutable ESCROW;

    mapping(address device => mapping(bytes32 run => mapping(address claimant => Bond))) private _bonds;
    mapping(address device => mapping(bytes32 run => bool)) public isForfeited;
    mapping(address device => mapping(bytes32 digest => bool)) public isConvicted;
    mapping(uint256 claim => uint256) public paidFor;
    uint256 public burned;

    constructor(IPayments payments_, IDisputes disputes_) EIP712("Starling", "1") {
        payments = payments_;
        disputes = disputes_;
        ESCROW = payments_.open(address(0));
    }

    // ---------------------------------------------------------------- bonds

    /// @inheritdoc IHandoffs
    function deposit(bytes32 run, address claimant, uint64 until) external payable {
        require(!isForfeited[msg.sender][run], Forfeited());
        Bond storage bond = _bonds[msg.sender][run][claimant];
        require(
            until > block.timestamp && until >= bond.until && until <= block.timestamp + MAX_LOCK,
            BadTime(until)
        );
        uint256 amount = bond.amount + msg.value;
        require(msg.value != 0 && amount <= type(uint128).max, BadAmount());
        // forge-lint: disable-next-line(unsafe-typecast)
        (bond.amount, bond.until) = (uint128(amount), until);
        emit Deposited(msg.sender, run, claimant, msg.value, until);
        payments.deposit{value: msg.value}(ESCROW, msg.value);
    }

    /// @inheritdoc IHandoffs
    function withdraw(bytes32 run, address claimant) external {
        require(!isForfeited[msg.sender][run], Forfeited());
        Bond storage bond = _bonds[msg.sender][run][claimant];
        uint256 amount = bond.amount;
        require(amount != 0, NoBond());
        require(block.timestamp > bond.until, Locked(bond.until));
        delete _bonds[msg.sender][run][claimant];
        emit Withdrawn(msg.sender, run, claimant, amount);
        payments.pay(ESCROW, msg.sender, amount);
    }

    // ---------------------------------------------------------------- false handoffs

    /// @inheritdoc IHandoffs
    function contradict(
        address device,
        Handoff calldata first,
        Signature calldata firstSignature,
        Handoff calldata second,
        Signature calldata secondSignature
    ) external {
        require(
            first.run == second.run && first.step == second.step && first.hop == second.hop
                && first.inputs == second.inputs && first.outputs != second.outputs,
            NoContradiction()
        );
        bytes32 one = _signed(device, first, firstSignature);
        bytes32 other = _signed(device, second, secondSignature);
        isForfeited[device][first.run] = true;
        emit Contradicted(device, first.run, one, other);
    }

    /// @inheritdoc IHandoffs
    function convict(
        address device,
        Handoff calldata handoff,
        Signature calldata signature,
        IDisputes.Terms calldata terms,
        Hop calldata hop,
        uint256 claim
    ) external {
        require(runOf(terms) == handoff.run, OtherRun());
        _checkTensors(handoff, hop.inputs, hop.outputs);
        bytes32 digest = _signed(device, handoff, signature);
        IDisputes.Claim memory c = disputes.claimOf(claim);
        require(
            disputes.stands(claim) && c.terms == keccak256(abi.encode(HopProgram.terms(terms, hop)))
                && c.root != claimRootOf(hop.outputs),
            NotRefuted(claim)
        );
        isForfeited[device][handoff.run] = true;
        isConvicted[device][digest] = true;
        emit Convicted(device, handoff.run, digest, claim);
    }

    /// @inheritdoc IHandoffs
    function blame(
        address device,
        Handoff calldata handoff,
        IDisputes.Terms calldata terms,
        Loss calldata loss
    ) external {
        require(isConvicted[device][digestOf(handoff)], NotConvicted());
        _checkTensors(handoff, loss.inputs, loss.outputs);
        IDisputes.Game memory g = disputes.gameOf(loss.game);
        IDisputes.Claim memory c = disputes.claimOf(g.claim);
        _checkLoss(handoff, terms, loss, g, c);

        Bond storage bond = _bonds[device][handoff.run][c.claimant];
        uint256 amount = bond.amount;
        require(amount != 0, NoBond());
        uint256 due = c.bond - paidFor[g.claim];
        require(due != 0, AlreadyPaid(g.claim));
        uint256 paid = amount < due ? amount : due;
        bond.amount = 0;
        paidFor[g.claim] += paid;
        burned += amount - paid;
        emit Blamed(g.claim, device, paid, amount - paid);
        payments.pay(ESCROW, c.claimant, paid);
    }

    /// @dev That the game's claim is lost, and that the game ended at the output in a trace that has the
    /// handoff's inputs and this output.
    function _checkLoss(
        Handoff calldata handoff,
        IDisputes.Terms calldata terms,
        Loss calldata loss,
        IDisputes.Game memory g,
        IDisputes.Claim memory c
    ) private pure {
        SlotRoot calldata output = loss.outputs[loss.output];
        require(
            c.lost && c.terms == keccak256(abi.encode(terms)) && runOf(terms) == handoff.run
                && g.phase == IDisputes.Phase.Over && g.step == handoff.step
                // Only a slot that an operator computes has a hash here, and only once it was opened.
                && g.slotHash != 0 && g.slot == output.slot,
            NotLost(loss.game)
        );
        require(
            Merkle.verify(Merkle.leaf(output.root), g.slot, terms.slots, loss.proof, g.trace), NotInTrace()
        );
        for (uint256 i; i < loss.inputs.length; ++i) {
            SlotRoot calldata input = loss.inputs[i];
            require(
                input.slot < g.slot
                    && Merkle.verify(
                        Merkle.leaf(input.root), input.slot, terms.slots, loss.inputProofs[i], g.trace
                    ),
                NotInTrace()
            );
        }
    }

    // ---------------------------------------------------------------- checks

    function _signed(address device, Handoff calldata handoff, Signature calldata signature)
        private
        view
        returns (bytes32 digest)
    {
        digest = digestOf(handoff);
        require(
            device != address(0) && Signed.signer(digest, signature.r, signature.vs) == device, NotSigned()
        );
    }

    function _checkTensors(Handoff calldata handoff, SlotRoot[] calldata inputs, SlotRoot[] calldata outputs)
        private
        pure
    {
        require(
            HopProgram.rootOver(inputs) == handoff.inputs && HopProgram.rootOver(outputs) == handoff.outputs,
            OtherTensors()
        );
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IHandoffs
    function digestOf(Handoff calldata handoff) public view returns (bytes32) {
        return Signed.digest(_domainSeparatorV4(), keccak256(abi.encode(HANDOFF_TYPEHASH, handoff)));
    }

    /// @inheritdoc IHandoffs
    function runOf(IDisputes.Terms calldata terms) public pure returns (bytes32) {
        return keccak256(abi.encode(terms.program, terms.initial));
    }

    /// @inheritdoc IHandoffs
    function hopTerms(IDisputes.Terms calldata terms, Hop calldata hop)
        external
        pure
        returns (IDisputes.Terms memory)
    {
        return HopProgram.terms(terms, hop);
    }

    /// @inheritdoc IHandoffs
    function claimRootOf(SlotRoot[] calldata outputs) public pure returns (bytes32) {
        return Merkle.leaf(HopProgram.result(outputs));
    }

    /// @inheritdoc IHandoffs
    function bondOf(address device, bytes32 run, address claimant) external view returns (Bond memory) {
        return _bonds[device][run][claimant];
    }
}
