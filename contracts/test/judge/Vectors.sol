// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Test} from "../Test.sol";

/// @notice Test vectors of the reference engine, made of big-endian words (`npx tsx tools/build-vectors.ts`).
abstract contract Vectors is Test {
    function word(bytes memory data, uint256 index) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := and(mload(add(add(data, 4), shl(2, index))), 0xffffffff)
        }
    }

    function vectors(string memory path) internal returns (bytes memory data) {
        // The vectors are not committed. `npm test` and `npm run test:contracts` make them first, so they can
        // only be missing in a bare `forge test`, which then skips the test and says why.
        if (!vm.exists(path)) vm.skip(true, "no vectors: run npx tsx tools/build-vectors.ts");
        return vm.readFileBinary(path);
    }
}
