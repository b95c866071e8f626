// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {MerkleSha256 as Merkle} from "../../src/disputes/MerkleSha256.sol";

/// @notice Roots, frontiers and proofs of SHA-256 Merkle trees, made from all of their leaves.
library Trees {
    function root(bytes32[] memory leaves) internal pure returns (bytes32) {
        return subtree(leaves, 0, leaves.length);
    }

    function subtree(bytes32[] memory leaves, uint256 first, uint256 size) internal pure returns (bytes32) {
        if (size == 1) return leaves[first];
        uint256 k = Merkle.split(size);
        return Merkle.node(subtree(leaves, first, k), subtree(leaves, first + k, size - k));
    }

    function frontier(bytes32[] memory leaves, uint256 first, uint256 size, uint256 depth)
        internal
        pure
        returns (bytes32[] memory nodes)
    {
        nodes = new bytes32[](Merkle.width(size, depth));
        for (uint256 i; i < nodes.length; ++i) {
            (uint256 offset, uint256 count) = Merkle.part(size, depth, i);
            nodes[i] = subtree(leaves, first + offset, count);
        }
    }

    function proof(bytes32[] memory leaves, uint256 index) internal pure returns (bytes32[] memory path) {
        bytes32[] memory down = new bytes32[](64);
        uint256 count;
        uint256 first;
        uint256 size = leaves.length;
        while (size > 1) {
            uint256 k = Merkle.split(size);
            if (index - first < k) {
                down[count++] = subtree(leaves, first + k, size - k);
                size = k;
            } else {
                down[count++] = subtree(leaves, first, k);
                first += k;
                size -= k;
            }
        }
        path = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            path[i] = down[count - 1 - i];
        }
    }

    /// @notice Leaf hashes of a tensor's bytes, 4 KiB each.
    function tensorLeaves(bytes memory data) internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[]((data.length + 4095) / 4096);
        for (uint256 i; i < leaves.length; ++i) {
            leaves[i] = Merkle.leaf(leafData(data, i));
        }
    }

    function leafData(bytes memory data, uint256 leaf) internal pure returns (bytes memory out) {
        uint256 size = data.length - leaf * 4096 < 4096 ? data.length - leaf * 4096 : 4096;
        out = new bytes(size);
        for (uint256 i; i < size; i += 32) {
            assembly ("memory-safe") {
                let word := mload(add(add(add(data, 32), mul(leaf, 4096)), i))
                // The last word of a short leaf may be incomplete.
                let left := sub(size, i)
                if lt(left, 32) { word := and(word, not(sub(shl(mul(8, sub(32, left)), 1), 1))) }
                if iszero(lt(left, 32)) { mstore(add(add(out, 32), i), word) }
                if lt(left, 32) {
                    for { let b := 0 } lt(b, left) { b := add(b, 1) } {
                        mstore8(add(add(add(out, 32), i), b), byte(b, word))
                    }
                }
            }
        }
    }
}
