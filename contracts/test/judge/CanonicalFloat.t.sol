// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {CanonicalFloat as F} from "../../src/judge/CanonicalFloat.sol";
import {CanonicalFunctions as G} from "../../src/judge/CanonicalFunctions.sol";
import {Vectors} from "./Vectors.sol";

/// @notice Compares the float arithmetic with vectors made by the reference engine (`npx tsx
/// tools/build-vectors.ts`).
contract CanonicalFloatTest is Vectors {
    error Differs(string what, uint256 index, uint256 a, uint256 b, uint256 got, uint256 want);

    /// @dev Rows of four words: a, b, a + b, a * b.
    function test_addAndMul_equalReference() external {
        bytes memory data = vectors("vectors/arithmetic.bin");
        uint256 rows = data.length / 16;
        for (uint256 i; i < rows; ++i) {
            uint256 a = word(data, 4 * i);
            uint256 b = word(data, 4 * i + 1);
            if (F.add(a, b) != word(data, 4 * i + 2)) {
                revert Differs("add", i, a, b, F.add(a, b), word(data, 4 * i + 2));
            }
            if (F.mul(a, b) != word(data, 4 * i + 3)) {
                revert Differs("mul", i, a, b, F.mul(a, b), word(data, 4 * i + 3));
            }
        }
        assertGt(rows, 1000, "rows of vectors");
    }

    /// @dev Rows of ten words: x, then lattice, recip, rsqrt, sqrt, exp, log, sigmoid, sin, cos.
    function test_functions_equalReference() external {
        bytes memory data = vectors("vectors/functions.bin");
        uint256 rows = data.length / 40;
        for (uint256 i; i < rows; ++i) {
            uint256 x = word(data, 10 * i);
            _same("lattice", i, x, F.lattice(x), word(data, 10 * i + 1));
            _same("recip", i, x, G.recip(x), word(data, 10 * i + 2));
            _same("rsqrt", i, x, G.rsqrt(x), word(data, 10 * i + 3));
            _same("sqrt", i, x, G.sqrt(x), word(data, 10 * i + 4));
            _same("exp", i, x, G.exp(x), word(data, 10 * i + 5));
            _same("log", i, x, G.log(x), word(data, 10 * i + 6));
            _same("sigmoid", i, x, G.sigmoid(x), word(data, 10 * i + 7));
            if (x & 0x7fffffff < 0x47800000) {
                (uint256 s, uint256 c) = G.sinCos(x);
                _same("sin", i, x, s, word(data, 10 * i + 8));
                _same("cos", i, x, c, word(data, 10 * i + 9));
            }
        }
        assertGt(rows, 1000, "rows of vectors");
    }

    function _same(string memory what, uint256 index, uint256 x, uint256 got, uint256 want) private pure {
        if (got != want) revert Differs(what, index, x, 0, got, want);
    }

    function testFuzz_addAndMul_commuteAndStayCanonical(uint32 a, uint32 b) external pure {
        uint256 x = F.canon(a);
        uint256 y = F.canon(b);
        assertEq(F.add(x, y), F.add(y, x), "add commutes");
        assertEq(F.mul(x, y), F.mul(y, x), "mul commutes");
        assertTrue(F.isCanonical(F.add(x, y)) && F.isCanonical(F.mul(x, y)), "results are canonical");
        assertEq(F.sub(x, x), 0, "x - x");
        assertEq(F.add(x, 0), x, "x + 0");
        assertEq(F.mul(x, F.ONE), x, "x * 1");
    }
}
