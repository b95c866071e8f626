// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {CanonicalFloat as F} from "./CanonicalFloat.sol";

/// @title The elementary functions of RepOps on the EVM
/// @notice The same steps as compute/repops/functions.ts. Constants are written as their bits.
library CanonicalFunctions {
    uint256 private constant ROUND_MAGIC = 0x4b400000;
    uint256 private constant LN2_HI = 0x3f318000;
    uint256 private constant LN2_LO = 0xb95e8083;

    function recip(uint256 x) internal pure returns (uint256) {
        unchecked {
            uint256 m = x & 0x7fffffff;
            if (m == 0) return F.MAX_FINITE;
            if (m >= 0x7d800000) return 0;
            uint256 y = F.canon(0x7ef311c3 - m);
            for (uint256 i; i < 4; ++i) {
                y = F.mul(y, F.sub(F.TWO, F.mul(m, y)));
            }
            return F.canon(y | (x & F.SIGN));
        }
    }

    function rsqrt(uint256 x) internal pure returns (uint256 y) {
        unchecked {
            if (x == 0 || x & F.SIGN != 0) return F.MAX_FINITE;
            uint256 half = F.mul(0x3f000000, x);
            y = 0x5f375a86 - (x >> 1);
            for (uint256 i; i < 4; ++i) {
                y = F.mul(y, F.sub(0x3fc00000, F.mul(F.mul(half, y), y)));
            }
        }
    }

    function sqrt(uint256 x) internal pure returns (uint256) {
        if (x == 0 || x & F.SIGN != 0) return 0;
        return F.mul(x, rsqrt(x));
    }

    /// @dev Rounds x to the nearest integer. |x| must be below 2^22.
    function _roundToInt(uint256 x) private pure returns (int256) {
        unchecked {
            return int256(F.add(x, ROUND_MAGIC)) - int256(ROUND_MAGIC);
        }
    }

    function exp(uint256 x) internal pure returns (uint256) {
        unchecked {
            if (F.gt(0xc2ae0000, x)) return 0;
            if (F.gt(x, 0x42b00000)) return F.MAX_FINITE;
            int256 n = _roundToInt(F.mul(x, 0x3fb8aa3b));
            uint256 fn = F.fromInt(n);
            uint256 r = F.sub(F.sub(x, F.mul(fn, LN2_HI)), F.mul(fn, LN2_LO));
            uint256 p = F.add(F.mul(0x39506967, r), 0x3ab743ce);
            p = F.add(F.mul(p, r), 0x3c088908);
            p = F.add(F.mul(p, r), 0x3d2aa9c1);
            p = F.add(F.mul(p, r), 0x3e2aaaaa);
            p = F.add(F.mul(p, r), 0x3f000000);
            p = F.add(F.add(F.mul(p, F.mul(r, r)), r), F.ONE);
            int256 field = int256(p >> 23) + n;
            if (field <= 1) return 0;
            if (field >= 255) return F.MAX_FINITE;
            return (p & 0x7fffff) | (uint256(field) << 23);
        }
    }

    function log(uint256 x) internal pure returns (uint256) {
        unchecked {
            if (x == 0 || x & F.SIGN != 0) return F.SIGN | F.MAX_FINITE;
            int256 e = (int256(x) - 0x3f3504f3) >> 23;
            uint256 m = uint256(int256(x) - e * 0x800000);
            uint256 f = F.sub(m, F.ONE);
            uint256 s = F.mul(f, recip(F.add(F.TWO, f)));
            uint256 z = F.mul(s, s);
            uint256 p = F.add(F.mul(0x3de38e39, z), 0x3e124925);
            p = F.add(F.mul(p, z), 0x3e4ccccd);
            p = F.add(F.mul(p, z), 0x3eaaaaab);
            uint256 twoS = F.add(s, s);
            uint256 fe = F.fromInt(e);
            uint256 low = F.add(F.mul(fe, LN2_LO), F.mul(twoS, F.mul(p, z)));
            return F.add(F.mul(fe, LN2_HI), F.add(twoS, low));
        }
    }

    function sigmoid(uint256 x) internal pure returns (uint256) {
        return recip(F.add(F.ONE, exp(F.neg(x))));
    }

    /// @notice Sine and cosine of x. |x| must be below 2^16.
    /// @return s sin(x).
    /// @return c cos(x).
    function sinCos(uint256 x) internal pure returns (uint256 s, uint256 c) {
        unchecked {
            int256 n = _roundToInt(F.mul(x, 0x3f22f983));
            uint256 fn = F.fromInt(n);
            uint256 r =
                F.sub(F.sub(F.sub(x, F.mul(fn, 0x3fc90000)), F.mul(fn, 0x39fda000)), F.mul(fn, 0x33a22168));
            uint256 z = F.mul(r, r);
            s = F.add(F.mul(0xb94ca1f9, z), 0x3c08839e);
            s = F.add(F.mul(s, z), 0xbe2aaaa3);
            s = F.add(F.mul(F.mul(s, z), r), r);
            c = F.add(F.mul(0x37ccf5ce, z), 0xbab6061a);
            c = F.add(F.mul(c, z), 0x3d2aaaa5);
            c = F.add(F.sub(F.mul(F.mul(c, z), z), F.mul(0x3f000000, z)), F.ONE);
            uint256 quadrant = uint256(n) & 3;
            if (quadrant & 1 == 1) (s, c) = (c, s);
            if (quadrant & 2 == 2) s = F.neg(s);
            if (quadrant == 1 || quadrant == 2) c = F.neg(c);
        }
    }
}
