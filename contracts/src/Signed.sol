// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

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
}
