// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {CanonicalFloat as F} from "./CanonicalFloat.sol";
import {Call, Operand, Operands} from "./Operands.sol";
import {Operators as Op} from "./Operators.sol";

/// @title What blocks hand to each other, and the sums between groups and of repairs
/// @notice Rounding to bf16, rows of signed bytes, and the addition of a scaled tensor.
library Boundaries {
    using Operands for Operand;

    /// The largest finite bf16, as the bits of an f32.
    uint256 private constant MAX_BF16 = 0x7f7f0000;

    function element(uint256 op, Call memory call, uint256 output, uint256 i)
        internal
        pure
        returns (uint256)
    {
        Operand[] memory x = call.inputs;
        uint256[] memory a = call.attributes;
        if (op == Op.ADD_SCALED) return F.add(x[0].f32(i), F.mul(a[1], x[1].f32(i)));
        if (op == Op.ROUND_BF16) return _roundBf16(x[0].f32(i));
        if (op == Op.DEQUANT_INT8) {
            return F.mul(F.fromInt(_byteIn(x[0].word(i / 4), i % 4)), x[1].f32(i / a[1]));
        }
        uint256 row = output == 1 ? i : i / (a[1] / 4);
        uint256 field = _scaleField(x[0], row * a[1], a[1]);
        return output == 1 ? field << 23 : _bytes(x[0], 4 * i, field);
    }

    /// @dev A value that rounding would make infinite is the largest finite bf16.
    function _roundBf16(uint256 x) private pure returns (uint256) {
        unchecked {
            uint256 rounded = ((x & 0x7fffffff) + 0x7fff + ((x >> 16) & 1)) & 0x7fff0000;
            return (x & F.SIGN) | (rounded > MAX_BF16 ? MAX_BF16 : rounded);
        }
    }

    /// @dev The exponent field of a row's scale. It is six below the largest field of the row, and at least
    /// 2, which is that of the least canonical value.
    function _scaleField(Operand memory x, uint256 start, uint256 count) private pure returns (uint256) {
        unchecked {
            uint256 largest = 8;
            for (uint256 i; i < count; ++i) {
                uint256 field = (x.f32(start + i) >> 23) & 0xff;
                if (field > largest) largest = field;
            }
            return largest - 6;
        }
    }

    /// @dev Four neighbours of a row as signed bytes, the first in the lowest eight bits.
    function _bytes(Operand memory x, uint256 start, uint256 field) private pure returns (uint256 packed) {
        for (uint256 i; i < 4; ++i) {
            packed |= _byteOf(x.f32(start + i), field) << (8 * i);
        }
    }

    /// @dev The integer nearest to x / 2^(field - 127), the even one of two, within -127 to 127, as a byte.
    function _byteOf(uint256 x, uint256 field) private pure returns (uint256) {
        unchecked {
            uint256 significand = (x & 0x7fffff) | 0x800000;
            // The scale's field is at most six below that of x, so the shift is at least 17.
            uint256 shift = 23 + field - ((x >> 23) & 0xff);
            if (shift > 24) return 0;
            uint256 whole = significand >> shift;
            uint256 rest = significand - (whole << shift);
            // 2^(shift - 1) is what is meant.
            // forge-lint: disable-next-line(incorrect-shift)
            uint256 half = 1 << (shift - 1);
            if (rest > half || (rest == half && whole & 1 == 1)) ++whole;
            if (whole > 127) whole = 127;
            return x & F.SIGN == 0 || whole == 0 ? whole : 256 - whole;
        }
    }

    /// @dev Byte number `i` of a word as a signed integer.
    function _byteIn(uint256 word, uint256 i) private pure returns (int256) {
        // Eight bits fit.
        // forge-lint: disable-next-line(unsafe-typecast)
        return int8(uint8(word >> (8 * i)));
    }
}
