// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Canonical f32 on the EVM
/// @notice The arithmetic of docs/repops.md on the bits of binary32 values. Every function equals the engines
/// bit for bit.
/// @dev A canonical value is 0 or has an exponent field of 2 to 254, so there are no subnormals, infinities,
/// NaN or -0. An EVM word holds every intermediate value exactly. `_pack` then rounds once, to nearest even.
library CanonicalFloat {
    uint256 internal constant SIGN = 0x80000000;
    uint256 internal constant MAX_FINITE = 0x7f7fffff;
    uint256 internal constant ONE = 0x3f800000;
    uint256 internal constant TWO = 0x40000000;

    /// @notice canon(x). An exponent field of 0 or 1 gives +0, a field of 255 gives the largest finite value
    /// with the sign of x.
    function canon(uint256 x) internal pure returns (uint256) {
        unchecked {
            uint256 field = (x >> 23) & 0xff;
            if (field <= 1) return 0;
            if (field == 255) return (x & SIGN) | MAX_FINITE;
            return x & 0xffffffff;
        }
    }

    function isCanonical(uint256 x) internal pure returns (bool) {
        uint256 field = (x >> 23) & 0xff;
        return x == 0 || (x <= 0xffffffff && field > 1 && field < 255);
    }

    /// @notice -x, where -0 is +0.
    function neg(uint256 x) internal pure returns (uint256) {
        return x == 0 ? 0 : x ^ SIGN;
    }

    /// @notice canon(a + b), with one rounding.
    function add(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            if (a == 0) return b;
            if (b == 0) return a;
            uint256 magnitudeA = a & 0x7fffffff;
            uint256 magnitudeB = b & 0x7fffffff;
            if (magnitudeA < magnitudeB) (a, b, magnitudeA, magnitudeB) = (b, a, magnitudeB, magnitudeA);
            uint256 exponent = magnitudeB >> 23;
            uint256 distance = (magnitudeA >> 23) - exponent;
            // |b| is less than a quarter of the unit in the last place of a, so a is the nearest value.
            if (distance > 26) return a;
            uint256 wide = ((magnitudeA & 0x7fffff) | 0x800000) << distance;
            uint256 narrow = (magnitudeB & 0x7fffff) | 0x800000;
            if ((a ^ b) & SIGN == 0) {
                wide += narrow;
                return _pack(a & SIGN, wide, exponent + 150, distance + 24 + (wide >> (distance + 24)));
            }
            if (wide == narrow) return 0;
            wide -= narrow;
            // Most differences lose at most one bit of length. The length of the others is measured.
            distance += 23;
            if (wide >> distance != 0) ++distance;
            else if (wide >> (distance - 1) == 0) distance = _bitLength(wide);
            return _pack(a & SIGN, wide, exponent + 150, distance);
        }
    }

    /// @notice canon(a - b), which is add(a, -b).
    function sub(uint256 a, uint256 b) internal pure returns (uint256) {
        return add(a, neg(b));
    }

    /// @notice canon(a * b), with one rounding.
    function mul(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            if (a == 0 || b == 0) return 0;
            uint256 product = ((a & 0x7fffff) | 0x800000) * ((b & 0x7fffff) | 0x800000);
            uint256 exponents = ((a >> 23) & 0xff) + ((b >> 23) & 0xff);
            return _pack((a ^ b) & SIGN, product, exponents, 47 + (product >> 47));
        }
    }

    /// @dev Rounds significand * 2^(biased - 300) to f32 and makes it canonical. The significand has `length`
    /// bits, 1 to 52.
    function _pack(uint256 sign, uint256 significand, uint256 biased, uint256 length)
        private
        pure
        returns (uint256)
    {
        unchecked {
            // Before rounding the exponent field is biased + length - 174: with 24 bits it is biased - 150.
            uint256 field = biased + length;
            if (length <= 24) {
                significand <<= 24 - length;
            } else {
                uint256 shift = length - 24;
                uint256 half = 1 << (shift - 1);
                uint256 rest = significand & ((1 << shift) - 1);
                significand >>= shift;
                if (rest > half || (rest == half && significand & 1 == 1)) {
                    significand += 1;
                    if (significand == 0x1000000) {
                        significand = 0x800000;
                        field += 1;
                    }
                }
            }
            if (field <= 175) return 0;
            if (field >= 429) return sign | MAX_FINITE;
            return sign | ((field - 174) << 23) | (significand & 0x7fffff);
        }
    }

    /// @dev The number of bits of x, which must be below 2^64, by binary search.
    function _bitLength(uint256 x) private pure returns (uint256 length) {
        unchecked {
            if (x >= 1 << 32) {
                x >>= 32;
                length = 32;
            }
            if (x >= 1 << 16) {
                x >>= 16;
                length += 16;
            }
            if (x >= 1 << 8) {
                x >>= 8;
                length += 8;
            }
            if (x >= 1 << 4) {
                x >>= 4;
                length += 4;
            }
            if (x >= 1 << 2) {
                x >>= 2;
                length += 2;
            }
            length += x > 1 ? 2 : x;
        }
    }

    /// @notice Rounds to the operand lattice: bf16, nearest even, nonzero magnitudes clamped into [2^-55,
    /// 2^52].
    function lattice(uint256 x) internal pure returns (uint256) {
        unchecked {
            // Above the tie at the end of the lattice. This includes infinities and NaN.
            if (x & 0x7fffffff > 0x59808000) return (x & SIGN) | 0x59800000;
            uint256 rounded = (x + 0x7fff + ((x >> 16) & 1)) & 0xffff0000;
            return rounded & 0x7fffffff < 0x24000000 ? 0 : rounded;
        }
    }

    /// @notice The product of two lattice values. Their significands have 8 bits, so it is exact and
    /// canonical.
    function latticeMul(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            if (a == 0 || b == 0) return 0;
            uint256 product = (((a >> 16) & 0x7f) | 0x80) * (((b >> 16) & 0x7f) | 0x80);
            uint256 field = ((a >> 23) & 0xff) + ((b >> 23) & 0xff) - 127;
            // The product has 15 or 16 bits and is shifted to 24.
            if (product < 0x8000) product <<= 1;
            else ++field;
            return ((a ^ b) & SIGN) | (field << 23) | ((product << 8) & 0x7fffff);
        }
    }

    /// @notice Whether a > b, for canonical values.
    function gt(uint256 a, uint256 b) internal pure returns (bool) {
        return _ordered(a) > _ordered(b);
    }

    /// @dev Maps canonical bits to an integer of the same order.
    function _ordered(uint256 x) private pure returns (int256) {
        unchecked {
            int256 magnitude = int256(x & 0x7fffffff);
            return x & SIGN == 0 ? magnitude : -magnitude;
        }
    }

    /// @notice The f32 value of an integer with a magnitude below 2^24.
    function fromInt(int256 n) internal pure returns (uint256) {
        unchecked {
            if (n == 0) return 0;
            uint256 magnitude = n < 0 ? uint256(-n) : uint256(n);
            return _pack(n < 0 ? SIGN : 0, magnitude, 300, _bitLength(magnitude));
        }
    }
}
