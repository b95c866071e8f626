// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice A device's delegation in one word, so that asking about a device reads storage once.
///
///     bits   0 to 159   owner, zero when the device was never bound
///     bits 160 to 191   epoch of the owner in which it was signed
///     bits 192 to 207   scope
///     bit  208          revoked
///     bits 216 to 255   last second in force
type Lease is uint256;

using {owner, validUntil, epoch, scope, isRevoked, revoked, inForce, covers} for Lease global;

/// @dev The caller has checked that `validUntil_` is below 2**40 and `scope_` below 2**16.
function newLease(address owner_, uint64 validUntil_, uint32 epoch_, uint32 scope_) pure returns (Lease) {
    return Lease.wrap(
        uint256(uint160(owner_)) | (uint256(epoch_) << 160) | (uint256(scope_) << 192)
            | (uint256(validUntil_) << 216)
    );
}

function owner(Lease lease) pure returns (address) {
    return address(uint160(Lease.unwrap(lease)));
}

function validUntil(Lease lease) pure returns (uint40) {
    return uint40(Lease.unwrap(lease) >> 216);
}

function epoch(Lease lease) pure returns (uint32) {
    return uint32(Lease.unwrap(lease) >> 160);
}

function scope(Lease lease) pure returns (uint16) {
    return uint16(Lease.unwrap(lease) >> 192);
}

function isRevoked(Lease lease) pure returns (bool) {
    return Lease.unwrap(lease) & (1 << 208) != 0;
}

/// @dev The same lease, ended.
function revoked(Lease lease) pure returns (Lease) {
    return Lease.wrap(Lease.unwrap(lease) | (1 << 208));
}

/// @dev Whether somebody owns the device and its delegation holds at a time.
function inForce(Lease lease, uint256 timestamp) pure returns (bool) {
    return lease.validUntil() >= timestamp && !lease.isRevoked();
}

/// @dev Whether every bit of `asked` is in its scope.
function covers(Lease lease, uint32 asked) pure returns (bool) {
    return asked & ~uint32(lease.scope()) == 0;
}
