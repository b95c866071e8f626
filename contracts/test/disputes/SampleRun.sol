// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {MerkleSha256 as Merkle} from "../../src/disputes/MerkleSha256.sol";
import {CanonicalFloat as F} from "../../src/judge/CanonicalFloat.sol";
import {Folds} from "../../src/judge/Folds.sol";
import {Layers} from "../../src/judge/Layers.sol";
import {Losses} from "../../src/judge/Losses.sol";
import {Call, Node, Operand, Operands} from "../../src/judge/Operands.sol";
import {Operators as Op} from "../../src/judge/Operators.sol";
import {Trees} from "./Trees.sol";

/// @notice A small training run as one party computes it, with the trace of each step. A step is
/// w' = (w + x) * clip(norm(w + x)) * t.
library SampleRun {
    uint32 internal constant STEPS = 3;
    uint32 internal constant LENGTH = 1030;
    uint32 internal constant SLOTS = 9;

    uint256 internal constant W = 0;
    uint256 internal constant X = 1;
    uint256 internal constant T = 2;
    uint256 internal constant META = 3;
    uint256 internal constant SUM = 4;
    uint256 internal constant NORM = 5;
    uint256 internal constant CLIP = 6;
    uint256 internal constant NEXT = 7;
    uint256 internal constant LAST = 8;

    /// @notice A fault to inject: one word of one slot of one step is changed by XOR with `mask`. A mask of 0
    /// means no fault.
    struct Fault {
        uint256 step;
        uint256 slot;
        uint256 element;
        uint32 mask;
    }

    struct Step {
        bytes32 before;
        bytes[] tensors;
        bytes32[] roots;
        bytes32[] leaves;
    }

    struct Execution {
        Step[] steps;
        bytes32[] stepLeaves;
        bytes32 root;
    }

    function prefix() internal pure returns (bytes memory) {
        return bytes.concat("w", hex"00", "F32", hex"06040000");
    }

    function metadata(uint256 step) internal pure returns (bytes32) {
        return Merkle.leaf(abi.encodePacked("step ", step));
    }

    function checkpoint(bytes32 w, bytes32 meta) internal pure returns (bytes32) {
        return Merkle.node(Merkle.leaf(bytes.concat(prefix(), w)), meta);
    }

    function tensorRoot(bytes memory data) internal pure returns (bytes32) {
        return Trees.root(Trees.tensorLeaves(data));
    }

    /// @dev Random values in (-2, 2).
    function noise(string memory what, uint256 seed) internal pure returns (bytes memory data) {
        data = new bytes(4 * LENGTH);
        bytes32 start = keccak256(abi.encode(what, seed));
        uint256 draw;
        for (uint256 i; i < LENGTH; ++i) {
            if (i % 8 == 0) draw = uint256(keccak256(abi.encodePacked(start, i)));
            set(data, i, (draw & 0x807fffff) | ((120 + (draw >> 23) % 8) << 23));
            draw >>= 32;
        }
    }

    function set(bytes memory data, uint256 i, uint256 value) internal pure {
        assembly ("memory-safe") {
            let word := add(add(data, 32), shl(2, i))
            mstore8(word, value)
            mstore8(add(word, 1), shr(8, value))
            mstore8(add(word, 2), shr(16, value))
            mstore8(add(word, 3), shr(24, value))
        }
    }

    // ------------------------------------------------------------ what the terms commit to

    function slots() internal pure returns (IDisputes.Slot[] memory s) {
        s = new IDisputes.Slot[](SLOTS);
        s[W].kind = IDisputes.Kind.State;
        s[W].count = 2;
        s[W].name = prefix();
        s[X].kind = IDisputes.Kind.Data;
        s[T].kind = IDisputes.Kind.Fixed;
        s[T].name = abi.encodePacked(tensorRoot(noise("t", 0)));
        s[META].kind = IDisputes.Kind.Data;
        s[META].place = 1;
        _operator(s[SUM], Op.ADD, LENGTH, [LENGTH, 0], _two(W, X));
        _operator(s[NORM], Op.NORM_SQUARE, 1, [LENGTH, 0], _one(SUM));
        _operator(s[CLIP], Op.CLIP_SCALE, 1, [1, uint32(F.ONE)], _one(NORM));
        _operator(s[NEXT], Op.RMS_APPLY, LENGTH, [1, LENGTH], _three(SUM, CLIP, T));
        s[LAST].kind = IDisputes.Kind.Compose;
        s[LAST].inputs = _two(NEXT, META);
        s[LAST].names = new bytes[](1);
        s[LAST].names[0] = prefix();
    }

    function _operator(
        IDisputes.Slot memory slot,
        uint256 op,
        uint32 length,
        uint32[2] memory attributes,
        uint32[] memory inputs
    ) private pure {
        slot.kind = IDisputes.Kind.Output;
        slot.inputs = inputs;
        slot.node.op = uint32(op);
        slot.node.length = length;
        slot.node.attributes = new uint32[](2);
        slot.node.attributes[0] = attributes[0];
        slot.node.attributes[1] = attributes[1];
        slot.node.lengths = new uint32[](inputs.length);
        for (uint256 i; i < inputs.length; ++i) {
            slot.node.lengths[i] = inputs[i] == NORM || inputs[i] == CLIP ? 1 : LENGTH;
        }
    }

    function _one(uint256 a) private pure returns (uint32[] memory list) {
        list = new uint32[](1);
        list[0] = uint32(a);
    }

    function _two(uint256 a, uint256 b) private pure returns (uint32[] memory list) {
        list = new uint32[](2);
        (list[0], list[1]) = (uint32(a), uint32(b));
    }

    function _three(uint256 a, uint256 b, uint256 c) private pure returns (uint32[] memory list) {
        list = new uint32[](3);
        (list[0], list[1], list[2]) = (uint32(a), uint32(b), uint32(c));
    }

    function slotLeaves() internal pure returns (bytes32[] memory leaves) {
        IDisputes.Slot[] memory s = slots();
        leaves = new bytes32[](SLOTS);
        for (uint256 i; i < SLOTS; ++i) {
            leaves[i] = Merkle.leaf(abi.encode(s[i]));
        }
    }

    function dataLeaves() internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](2 * STEPS);
        for (uint256 i; i < STEPS; ++i) {
            leaves[2 * i] = Merkle.leaf(tensorRoot(noise("x", i)));
            leaves[2 * i + 1] = Merkle.leaf(metadata(i + 1));
        }
    }

    function terms() internal pure returns (IDisputes.Terms memory) {
        return IDisputes.Terms({
            program: Trees.root(slotLeaves()),
            data: Trees.root(dataLeaves()),
            initial: checkpoint(tensorRoot(noise("w", 0)), metadata(0)),
            steps: STEPS,
            slots: SLOTS,
            dataSlots: 2
        });
    }

    // ------------------------------------------------------------ what one party computes

    function execute(Fault memory fault) internal pure returns (Execution memory s) {
        s.steps = new Step[](STEPS);
        s.stepLeaves = new bytes32[](STEPS);
        IDisputes.Slot[] memory program = slots();
        bytes memory w = noise("w", 0);
        bytes32 before = checkpoint(tensorRoot(w), metadata(0));
        for (uint256 i; i < STEPS; ++i) {
            Step memory step = s.steps[i];
            step.before = before;
            step.tensors = new bytes[](SLOTS);
            step.roots = new bytes32[](SLOTS);
            step.leaves = new bytes32[](SLOTS);
            for (uint256 slot; slot < SLOTS; ++slot) {
                _compute(step, slot, i, w, program[slot]);
                if (fault.mask != 0 && fault.step == i && fault.slot == slot) _injectFault(step, fault);
                step.leaves[slot] = Merkle.leaf(step.roots[slot]);
            }
            w = step.tensors[NEXT];
            before = step.roots[LAST];
            s.stepLeaves[i] = step.leaves[LAST];
        }
        s.root = Trees.root(s.stepLeaves);
    }

    function _injectFault(Step memory step, Fault memory fault) private pure {
        bytes memory data = step.tensors[fault.slot];
        if (data.length == 0) {
            step.roots[fault.slot] ^= bytes32(uint256(fault.mask));
            return;
        }
        uint256 i = fault.element % (data.length / 4);
        set(data, i, Operands.wordIn(data, i) ^ fault.mask);
        step.roots[fault.slot] = tensorRoot(data);
    }

    function _compute(
        Step memory step,
        uint256 slot,
        uint256 number,
        bytes memory w,
        IDisputes.Slot memory spec
    ) private pure {
        bytes[] memory t = step.tensors;
        if (slot == META || slot == LAST) {
            step.roots[slot] =
                slot == META ? metadata(number + 1) : checkpoint(step.roots[NEXT], step.roots[META]);
            return;
        }
        if (slot == W) t[W] = bytes.concat(w);
        else if (slot == X) t[X] = noise("x", number);
        else if (slot == T) t[T] = noise("t", 0);
        else t[slot] = _output(step, spec);
        step.roots[slot] = tensorRoot(t[slot]);
    }

    function callOf(Step memory step, IDisputes.Slot memory slot) internal pure returns (Call memory call) {
        Node memory node = slot.node;
        call.attributes = new uint256[](node.attributes.length);
        for (uint256 i; i < call.attributes.length; ++i) {
            call.attributes[i] = node.attributes[i];
        }
        call.inputs = new Operand[](slot.inputs.length);
        for (uint256 i; i < slot.inputs.length; ++i) {
            bytes memory data = step.tensors[slot.inputs[i]];
            uint256[] memory leaves = new uint256[]((data.length + 4095) / 4096);
            for (uint256 j; j < leaves.length; ++j) {
                assembly ("memory-safe") {
                    mstore(add(add(leaves, 32), mul(32, j)), add(add(data, 32), mul(4096, j)))
                }
            }
            call.inputs[i] = Operand(i, data.length / 4, leaves);
        }
    }

    function accumulators(Step memory step, IDisputes.Slot memory slot, uint256 index)
        internal
        pure
        returns (uint32[] memory list)
    {
        Call memory call = callOf(step, slot);
        uint256 chunks = 1;
        for (uint256 i; i < chunks; ++i) {
            uint256 sum;
            (sum, chunks) = Folds.chunkOf(slot.node.op, call, index, i, i == 0 ? 0 : list[i - 1]);
            if (i == 0) list = new uint32[](chunks);
            list[i] = uint32(sum);
        }
    }

    function _output(Step memory step, IDisputes.Slot memory slot) private pure returns (bytes memory data) {
        data = new bytes(4 * slot.node.length);
        uint256 op = slot.node.op;
        if (op == Op.NORM_SQUARE) {
            set(data, 0, Folds.total(op, accumulators(step, slot, 0)));
            return data;
        }
        Call memory call = callOf(step, slot);
        for (uint256 i; i < slot.node.length; ++i) {
            set(
                data, i, op == Op.CLIP_SCALE ? Losses.element(op, call, 0, i) : Layers.element(op, call, 0, i)
            );
        }
    }
}
