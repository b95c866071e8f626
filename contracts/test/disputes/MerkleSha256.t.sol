// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {MerkleSha256 as Merkle} from "../../src/disputes/MerkleSha256.sol";
import {Test} from "../Test.sol";
import {Trees} from "./Trees.sol";

/// @notice Makes the library's functions calls, so that a test sees them revert.
contract MerkleCalls {
    function verify(bytes32 hash, uint256 index, uint256 size, bytes32[] memory proof, bytes32 root)
        external
        pure
        returns (bool)
    {
        return Merkle.verify(hash, index, size, proof, root);
    }

    function rootOfFrontier(bytes32[] memory nodes, uint256 size, uint256 levels)
        external
        pure
        returns (bytes32)
    {
        return Merkle.rootOfFrontier(nodes, size, levels);
    }
}

/// @notice RFC 6962: one proof shows one leaf at one place of one tree, and a frontier has one shape.
contract MerkleSha256Test is Test {
    MerkleCalls private immutable CALLS = new MerkleCalls();

    function leavesOf(uint256 count, uint256 seed) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            leaves[i] = Merkle.leaf(abi.encode(seed, i));
        }
    }

    function testFuzz_verify_acceptsOneLeafAtOnePlace(
        uint256 size,
        uint256 index,
        uint256 other,
        uint256 seed
    ) external view {
        size = bound(size, 1, 33);
        index = index % size;
        other = other % (2 * size);
        bytes32[] memory leaves = leavesOf(size, seed);
        bytes32 root = Trees.root(leaves);
        bytes32[] memory proof = Trees.proof(leaves, index);
        assertTrue(CALLS.verify(leaves[index], index, size, proof, root), "the leaf");
        if (other != index) {
            assertFalse(CALLS.verify(leaves[index], other, size, proof, root), "another place");
            if (other < size) {
                assertFalse(CALLS.verify(leaves[other], index, size, proof, root), "another leaf");
            }
        }
        bytes32[] memory longer = new bytes32[](proof.length + 1);
        for (uint256 i; i < proof.length; ++i) {
            longer[i] = proof[i];
        }
        assertFalse(CALLS.verify(leaves[index], index, size, longer, root), "a longer proof");
        assertFalse(CALLS.verify(leaves[index], index, 0, proof, root), "an empty tree");
        if (proof.length == 0) return;
        bytes32[] memory rest = new bytes32[](proof.length - 1);
        for (uint256 i; i < rest.length; ++i) {
            rest[i] = proof[i + 1];
        }
        bytes32 left = Merkle.node(leaves[index], proof[0]);
        bytes32 right = Merkle.node(proof[0], leaves[index]);
        assertFalse(CALLS.verify(left, index, size, rest, root), "the node above, as a left leaf");
        assertFalse(CALLS.verify(right, index, size, rest, root), "the node above, as a right leaf");
        assertFalse(CALLS.verify(leaves[index], index, size, rest, root), "a shorter proof");
    }

    function testFuzz_rootOfFrontier_revertsIfShapeDiffers(uint256 size, uint256 more, uint256 seed)
        external
    {
        size = bound(size, 1, 33);
        bytes32[] memory leaves = leavesOf(size, seed);
        assertEq(CALLS.rootOfFrontier(leaves, size, 64), Trees.root(leaves), "all leaves");
        bytes32[] memory wrong = new bytes32[](size + bound(more, 1, 3));
        for (uint256 i; i < size; ++i) {
            wrong[i] = leaves[i];
        }
        vm.expectRevert(Merkle.WrongFrontier.selector);
        CALLS.rootOfFrontier(wrong, size, 64);
        vm.expectRevert(Merkle.WrongFrontier.selector);
        CALLS.rootOfFrontier(new bytes32[](size - 1), size, 64);
    }
}
