// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

interface VectorVm {
    function readFileBinary(string calldata path) external view returns (bytes memory);
    function exists(string calldata path) external view returns (bool);
    function skip(bool skipTest, string calldata reason) external;
    function deployCode(string calldata artifact) external returns (address);
}

/// @notice Vectors made by the TypeScript reference: big-endian words (`npx tsx tools/build-vectors.ts`).
abstract contract Vectors {
    VectorVm internal constant vm = VectorVm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function word(bytes memory data, uint256 index) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := and(mload(add(add(data, 4), shl(2, index))), 0xffffffff)
        }
    }

    function vectors(string memory path) internal returns (bytes memory data) {
        // The vectors are made by the reference engine, not committed. `npm test` and `npm run test:contracts` make them first and end when
        // that fails, so only a bare `forge test` can come here; it has to say why it compares nothing rather than pass or fail for no fault.
        if (!vm.exists(path)) vm.skip(true, "no vectors: run npx tsx tools/build-vectors.ts");
        return vm.readFileBinary(path);
    }
}
