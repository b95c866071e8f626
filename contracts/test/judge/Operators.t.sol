// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IJudge} from "../../src/judge/IJudge.sol";
import {Leaf, Node} from "../../src/judge/Operands.sol";
import {Philox} from "../../src/judge/Philox.sol";
import {Vectors} from "./Vectors.sol";

/// @notice Compares the judge with the reference engine on the conformance table that every engine has to
/// pass.
contract OperatorsTest is Vectors {
    error Differs(uint256 testCase, uint256 op, uint256 output, uint256 index, uint256 got);

    IJudge private judge;
    bytes private none;

    function setUp() external {
        judge = IJudge(vm.deployCode("Judge.sol:Judge"));
    }

    function test_judge_equalsConformanceTable() external {
        bytes memory data = vectors("vectors/operators.bin");
        uint256 cases = word(data, 0);
        uint256 place = 1;
        for (uint256 i; i < cases; ++i) {
            uint256 free;
            assembly ("memory-safe") {
                free := mload(0x40)
            }
            place = _case(data, place, i);
            // Frees the memory of the case.
            assembly {
                mstore(0x40, free)
            }
        }
        assertGt(cases, 100, "number of cases");
        assertEq(place, data.length / 4, "all cases are read");
    }

    function _case(bytes memory data, uint256 place, uint256 number) private view returns (uint256) {
        Node memory node;
        node.op = uint32(word(data, place));
        (node.attributes, place) = _list(data, place + 1);
        uint256 inputs = word(data, place++);
        node.lengths = new uint32[](inputs);
        Leaf[] memory leaves = new Leaf[](4096);
        uint256 count;
        for (uint256 i; i < inputs; ++i) {
            uint256 length = word(data, place++);
            node.lengths[i] = uint32(length);
            for (uint256 first; first < length; first += 1024) {
                uint256 size = length - first < 1024 ? length - first : 1024;
                leaves[count++] =
                    Leaf(uint32(i), uint32(first / 1024), _littleEndian(data, place + first, size));
            }
            place += length;
        }
        assembly ("memory-safe") {
            mstore(leaves, count)
        }
        return _checks(data, place, number, node, leaves);
    }

    function _checks(bytes memory data, uint256 place, uint256 number, Node memory node, Leaf[] memory leaves)
        private
        view
        returns (uint256)
    {
        for (uint256 left = word(data, place++); left > 0; --left) {
            node.output = uint32(word(data, place));
            node.length = uint32(word(data, place + 1));
            uint256 got = _judged(node, leaves, word(data, place + 2));
            if (got != word(data, place + 3)) {
                revert Differs(number, node.op, node.output, word(data, place + 2), got);
            }
            place += 4;
        }
        return place;
    }

    function _judged(Node memory node, Leaf[] memory leaves, uint256 index) private view returns (uint256) {
        if (!judge.folds(node.op)) return judge.element(node, leaves, index);
        uint32[] memory accumulators = new uint32[](judge.chunkLimit(node));
        uint256 before;
        uint256 chunks;
        for (uint256 i; i < accumulators.length; ++i) {
            (before, chunks) = judge.chunkOf(node, leaves, index, i, before);
            accumulators[i] = uint32(before);
            if (i + 1 >= chunks) break;
        }
        assertLe(chunks, accumulators.length, "at most chunkLimit chunks");
        assembly ("memory-safe") {
            mstore(accumulators, chunks)
        }
        return judge.total(node.op, accumulators);
    }

    function test_draw_equalsReference() external {
        bytes memory data = vectors("vectors/draws.bin");
        for (uint256 i; i < data.length / 28; ++i) {
            uint256[7] memory w;
            for (uint256 j; j < 7; ++j) {
                w[j] = word(data, 7 * i + j);
            }
            assertEq(Philox.draw(w[0], w[1], w[2], w[3], w[4], false), w[5], "word");
            assertEq(Philox.draw(w[0], w[1], w[2], w[3], w[4], true), w[6], "uniform");
        }
        assertGt(data.length, 1000, "bytes of vectors");
    }

    /// @dev The known answer of the Random123 library for a counter and a key of zeros.
    function test_draw_equalsPublishedAnswer() external pure {
        assertEq(Philox.draw(0, 0, 0, 0, 0, false), 0x6627e8d5, "first word");
    }

    function _list(bytes memory data, uint256 place)
        private
        pure
        returns (uint32[] memory list, uint256 end)
    {
        list = new uint32[](word(data, place));
        for (uint256 i; i < list.length; ++i) {
            list[i] = uint32(word(data, place + 1 + i));
        }
        end = place + 1 + list.length;
    }

    /// @dev Little-endian words, as in the leaf of a tensor.
    function _littleEndian(bytes memory data, uint256 place, uint256 count)
        private
        pure
        returns (bytes memory out)
    {
        out = new bytes(4 * count);
        for (uint256 i; i < count; ++i) {
            assembly ("memory-safe") {
                let v := and(mload(add(add(data, 4), shl(2, add(place, i)))), 0xffffffff)
                v := or(shr(8, and(v, 0xff00ff00)), shl(8, and(v, 0x00ff00ff)))
                v := and(0xffffffff, or(shr(16, v), shl(16, v)))
                let to := add(add(out, 32), shl(2, i))
                for { let b := 0 } lt(b, 4) { b := add(b, 1) } {
                    mstore8(add(to, b), byte(add(28, b), v))
                }
            }
        }
    }
}
