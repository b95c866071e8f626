// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IParticipation} from "../src/IParticipation.sol";

/// @notice The Merkle tree of a round, built level by level. A node without a sibling moves up unchanged.
abstract contract RoundTree {
    function rootOf(IParticipation.SignedAttestation[] memory entries) internal pure returns (bytes32) {
        bytes32[] memory level = _leaves(entries);
        while (level.length > 1) {
            level = _parents(level);
        }
        return level[0];
    }

    function proofOf(IParticipation.SignedAttestation[] memory entries, uint256 index)
        internal
        pure
        returns (bytes32[] memory proof)
    {
        bytes32[] memory level = _leaves(entries);
        bytes32[] memory found = new bytes32[](32);
        uint256 count;
        while (level.length > 1) {
            if (index ^ 1 < level.length) found[count++] = level[index ^ 1];
            level = _parents(level);
            index /= 2;
        }
        proof = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            proof[i] = found[i];
        }
    }

    function _leaves(IParticipation.SignedAttestation[] memory entries)
        private
        pure
        returns (bytes32[] memory level)
    {
        level = new bytes32[](entries.length);
        for (uint256 i; i < entries.length; ++i) {
            level[i] = keccak256(abi.encode(entries[i]));
        }
    }

    function _parents(bytes32[] memory level) private pure returns (bytes32[] memory parents) {
        parents = new bytes32[]((level.length + 1) / 2);
        for (uint256 i; i < level.length; i += 2) {
            if (i + 1 == level.length) {
                parents[i / 2] = level[i];
                continue;
            }
            (bytes32 a, bytes32 b) = (level[i], level[i + 1]);
            parents[i / 2] = keccak256(a < b ? abi.encode(a, b) : abi.encode(b, a));
        }
    }
}
