// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {CanonicalFloat as F} from "./CanonicalFloat.sol";

/// @notice One output of one operator of a program, with the number of elements of each input. Attributes are
/// in the order of compute/repops/operators.ts. Attributes of type f32 are given as their bits.
struct Node {
    uint32 op;
    /// Index of this output among the outputs of the operator.
    uint32 output;
    /// Number of elements of this output.
    uint32 length;
    uint32[] attributes;
    /// Number of elements of each input.
    uint32[] lengths;
}

/// @notice A leaf of an input tensor: up to 1,024 little-endian words. The caller of the judge must have
/// checked it against the root.
struct Leaf {
    uint32 input;
    uint32 index;
    bytes data;
}

/// @notice One input and its opened leaves.
struct Operand {
    uint256 number;
    uint256 length;
    /// The memory address of the words of each leaf; 0 if the leaf was not opened.
    uint256[] leaves;
}

/// @notice The attributes and inputs of a node.
struct Call {
    uint256[] attributes;
    Operand[] inputs;
}

/// @notice Reads the operands of a judged operator from opened leaves.
library Operands {
    uint256 internal constant LEAF = 1024;

    /// @notice The judge needs an element that is in none of the given leaves. Open the leaf that contains
    /// it.
    error NotOpened(uint256 input, uint256 element);
    /// @notice The input has no such leaf, or the leaf has another length.
    error NoSuchLeaf(uint256 input, uint256 leaf);

    function load(Node calldata node, Leaf[] calldata leaves) internal pure returns (Call memory call) {
        uint256 count = node.lengths.length;
        call.inputs = new Operand[](count);
        for (uint256 i; i < count; ++i) {
            uint256 length = node.lengths[i];
            call.inputs[i] = Operand(i, length, new uint256[]((length + LEAF - 1) / LEAF));
        }
        call.attributes = new uint256[](node.attributes.length);
        for (uint256 i; i < node.attributes.length; ++i) {
            call.attributes[i] = node.attributes[i];
        }
        for (uint256 i; i < leaves.length; ++i) {
            Leaf calldata leaf = leaves[i];
            if (leaf.input >= count) revert NoSuchLeaf(leaf.input, leaf.index);
            Operand memory operand = call.inputs[leaf.input];
            if (leaf.data.length != leafBytes(operand.length, leaf.index)) {
                revert NoSuchLeaf(leaf.input, leaf.index);
            }
            bytes memory data = leaf.data;
            uint256 place;
            assembly ("memory-safe") {
                place := add(data, 32)
            }
            operand.leaves[leaf.index] = place;
        }
    }

    /// @notice The size in bytes of leaf `index` of a tensor of `length` elements; 0 if there is no such
    /// leaf.
    function leafBytes(uint256 length, uint256 index) internal pure returns (uint256) {
        uint256 first = index * LEAF;
        if (first >= length) return 0;
        return 4 * (length - first < LEAF ? length - first : LEAF);
    }

    /// @notice Word `i` of the data of a leaf, which are little-endian.
    function wordIn(bytes memory data, uint256 i) internal pure returns (uint256 value) {
        uint256 place;
        assembly ("memory-safe") {
            place := add(data, 32)
        }
        return _read(place, i);
    }

    /// @notice The bits of element `i`. Past the end they are 0, so that a program that indexes out of range
    /// has a judgement.
    function word(Operand memory operand, uint256 i) internal pure returns (uint256) {
        unchecked {
            if (i >= operand.length) return 0;
            uint256 place;
            // An element before the end is in one of the leaves, so the index needs no second check.
            assembly ("memory-safe") {
                place := mload(add(add(mload(add(operand, 64)), 32), shl(5, shr(10, i))))
            }
            if (place == 0) revert NotOpened(operand.number, i);
            return _read(place, i & 1023);
        }
    }

    /// @notice Element `i` as a canonical f32, so that every input has a judgement.
    function f32(Operand memory operand, uint256 i) internal pure returns (uint256) {
        return F.canon(word(operand, i));
    }

    function _read(uint256 place, uint256 i) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            let big := shr(224, mload(add(place, shl(2, i))))
            big := or(shr(8, and(big, 0xff00ff00)), shl(8, and(big, 0x00ff00ff)))
            value := and(0xffffffff, or(shr(16, big), shl(16, big)))
        }
    }
}
