// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IParticipation} from "./IParticipation.sol";

/// @notice EIP-712 digests and signers for batches. The compiler's `abi.encode` and OpenZeppelin's
/// `ECDSA.tryRecover` copy memory and cost several hundred gas more for each entry. test/Signed.t.sol
/// compares the results with OpenZeppelin's.
library Signed {
    /// @dev Half of the order of secp256k1, rounded down. A higher s is a second signature of the same hash
    /// (EIP-2).
    uint256 private constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// @dev keccak256(0x19 0x01 ‖ domain ‖ structHash).
    function digest(bytes32 domain, bytes32 structHash) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, hex"1901")
            mstore(add(free, 0x02), domain)
            mstore(add(free, 0x22), structHash)
            result := keccak256(free, 0x42)
        }
    }

    /// @dev The signer of a hash, or zero if the signature is invalid.
    /// @param hash The signed hash.
    /// @param r First half of the signature.
    /// @param vs s with the parity of the point in its highest bit (EIP-2098).
    function signer(bytes32 hash, bytes32 r, bytes32 vs) internal view returns (address result) {
        assembly ("memory-safe") {
            let s := and(vs, not(shl(255, 1)))
            if iszero(gt(s, HALF_ORDER)) {
                let free := mload(0x40)
                mstore(free, hash)
                mstore(add(free, 0x20), add(shr(255, vs), 27))
                mstore(add(free, 0x40), r)
                mstore(add(free, 0x60), s)
                // The precompile returns nothing for an invalid signature, so the zero written here remains.
                mstore(0x00, 0)
                pop(staticcall(gas(), 1, free, 0x80, 0x00, 0x20))
                result := mload(0x00)
            }
        }
    }

    /// @dev For each attestation of a round the device that it names, or zero if that device did not sign it:
    /// `signer` of `digest` of keccak256(abi.encode(typeHash, swarm, round, checkpointRoot, rolloutDigest)).
    /// What is the same for all entries is written to memory once.
    function attesters(
        bytes32 domain,
        bytes32 typeHash,
        uint64 swarm,
        uint64 round,
        IParticipation.SignedAttestation[] calldata entries
    ) internal view returns (address[] memory devices) {
        devices = new address[](entries.length);
        assembly ("memory-safe") {
            let body := mload(0x40)
            let typed := add(body, 0xa0)
            let input := add(body, 0x120)
            mstore(body, typeHash)
            mstore(add(body, 0x20), swarm)
            mstore(add(body, 0x40), round)
            mstore(typed, hex"1901")
            mstore(add(typed, 0x02), domain)
            let place := add(devices, 0x20)
            let end := add(entries.offset, mul(entries.length, 0xa0))
            for { let entry := entries.offset } lt(entry, end) {
                entry := add(entry, 0xa0)
                place := add(place, 0x20)
            } {
                let vs := calldataload(add(entry, 0x80))
                let s := and(vs, not(shl(255, 1)))
                if gt(s, HALF_ORDER) { continue }
                // The last two fields of the hash are adjacent in an entry.
                calldatacopy(add(body, 0x60), add(entry, 0x20), 0x40)
                mstore(add(typed, 0x22), keccak256(body, 0xa0))
                mstore(input, keccak256(typed, 0x42))
                mstore(add(input, 0x20), add(shr(255, vs), 27))
                mstore(add(input, 0x40), calldataload(add(entry, 0x60)))
                mstore(add(input, 0x60), s)
                mstore(0x00, 0)
                pop(staticcall(gas(), 1, input, 0x80, 0x00, 0x20))
                let device := calldataload(entry)
                if eq(mload(0x00), device) { mstore(place, device) }
            }
        }
    }
}
