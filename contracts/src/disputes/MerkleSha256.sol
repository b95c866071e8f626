// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title The SHA-256 Merkle tree of RFC 6962, section 2.1, for any number of leaves
/// @notice Leaves and nodes are hashed with different prefixes, so neither can be taken for the other.
/// protocol/merkle.ts has the same tree.
library MerkleSha256 {
    /// @notice The number of nodes does not fit the tree, or there is no node with this index.
    error WrongFrontier();

    function leaf(bytes memory data) internal pure returns (bytes32) {
        return sha256(bytes.concat(hex"00", data));
    }

    function leaf(bytes32 data) internal pure returns (bytes32) {
        return sha256(bytes.concat(hex"00", data));
    }

    function node(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return sha256(bytes.concat(hex"01", left, right));
    }

    /// @notice Whether `hash` (a leaf hash) is leaf `index` of the tree of `size` leaves with this root. RFC
    /// 9162, 2.1.3.2.
    function verify(bytes32 hash, uint256 index, uint256 size, bytes32[] memory proof, bytes32 root)
        internal
        pure
        returns (bool)
    {
        if (index >= size) return false;
        uint256 last = size - 1;
        for (uint256 i; i < proof.length; ++i) {
            if (last == 0) return false;
            if (index & 1 == 1 || index == last) {
                hash = node(proof[i], hash);
                while (index & 1 == 0 && index != 0) {
                    index >>= 1;
                    last >>= 1;
                }
            } else {
                hash = node(hash, proof[i]);
            }
            index >>= 1;
            last >>= 1;
        }
        return last == 0 && hash == root;
    }

    /// @notice The root of a list of leaf hashes.
    function rootOf(bytes32[] memory hashes) internal pure returns (bytes32 root) {
        (root,) = _combine(hashes, 0, hashes.length, 64);
    }

    /// @notice The root of a tree of `size` leaves, from its frontier: the nodes `depth` levels below the
    /// root, and the leaves above that level.
    function rootOfFrontier(bytes32[] memory nodes, uint256 size, uint256 depth)
        internal
        pure
        returns (bytes32)
    {
        (bytes32 root, uint256 used) = _combine(nodes, 0, size, depth);
        require(used == nodes.length, WrongFrontier());
        return root;
    }

    function _combine(bytes32[] memory nodes, uint256 used, uint256 size, uint256 depth)
        private
        pure
        returns (bytes32 root, uint256)
    {
        if (size == 1 || depth == 0) {
            require(used < nodes.length, WrongFrontier());
            return (nodes[used], used + 1);
        }
        uint256 left = split(size);
        bytes32 other;
        (root, used) = _combine(nodes, used, left, depth - 1);
        (other, used) = _combine(nodes, used, size - left, depth - 1);
        return (node(root, other), used);
    }

    /// @notice The leaves that node `index` of the frontier covers: the first one and their number.
    function part(uint256 size, uint256 depth, uint256 index)
        internal
        pure
        returns (uint256 first, uint256 leaves)
    {
        leaves = size;
        while (leaves > 1 && depth > 0) {
            uint256 left = split(leaves);
            --depth;
            uint256 nodes = width(left, depth);
            if (index < nodes) {
                leaves = left;
            } else {
                index -= nodes;
                first += left;
                leaves -= left;
            }
        }
        require(index == 0, WrongFrontier());
    }

    /// @notice The number of nodes in the frontier of a tree.
    function width(uint256 size, uint256 depth) internal pure returns (uint256) {
        if (size == 1 || depth == 0) return 1;
        uint256 left = split(size);
        return width(left, depth - 1) + width(size - left, depth - 1);
    }

    /// @notice The number of leaves of the left subtree: the largest power of two below `size`.
    function split(uint256 size) internal pure returns (uint256 k) {
        k = 1;
        while (k << 1 < size) k <<= 1;
    }
}
