// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {CanonicalFloat as F} from "./CanonicalFloat.sol";

/// @title Philox4x32-10, the counter-based random generator of Salmon et al. (SC 2011), equal to
/// protocol/philox.ts
library Philox {
    /// @notice The word at (item, sample, position) of the stream with this key; as a uniform, its upper 24
    /// bits over 2^24 in f32.
    function draw(uint256 key0, uint256 key1, uint256 item, uint256 sample, uint256 position, bool asUniform)
        internal
        pure
        returns (uint256)
    {
        unchecked {
            (uint256 c0, uint256 c1, uint256 c2, uint256 c3) = (item, sample, position, uint256(0));
            for (uint256 i; i < 10; ++i) {
                uint256 p0 = 0xd2511f53 * c0;
                uint256 p1 = 0xcd9e8d57 * c2;
                (c0, c1, c2, c3) =
                ((p1 >> 32) ^ c1 ^ key0, p1 & 0xffffffff, (p0 >> 32) ^ c3 ^ key1, p0 & 0xffffffff);
                key0 = (key0 + 0x9e3779b9) & 0xffffffff;
                key1 = (key1 + 0xbb67ae85) & 0xffffffff;
            }
            if (!asUniform) return c0;
            // Times 2^-24: 24 off the exponent field of a value that is 0 or at least 1.
            uint256 whole = F.fromInt(int256(c0 >> 8));
            return whole == 0 ? 0 : whole - (24 << 23);
        }
    }
}
