// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice IIdentity.Binding in one word, so that a look-up of a device reads storage once.
///
///     bits   0 to 159   owner, zero when the device was never bound
///     bits 160 to 175   epoch of the owner in which the delegation was signed
///     bits 176 to 187   scope
///     bit  188          revoked: by the owner, or because the device left
///     bit  189          retired: another device has its place, and it is never bound again
///     bits 190 to 221   nonce of the delegation
///     bits 222 to 255   last second in which the delegation is in force
///
/// 34 bits of seconds reach to the year 2514.
type PackedBinding is uint256;

using {
    owner,
    validUntil,
    epoch,
    nonce,
    scope,
    isRevoked,
    isRetired,
    revoked,
    retired,
    inForce,
    covers
} for PackedBinding global;

uint256 constant REVOKED = 1 << 188;
uint256 constant RETIRED = 1 << 189;

/// @dev The caller must have checked that `validUntil_` is below 2**34, `epoch_` below 2**16 and `scope_`
/// below 2**12.
function packBinding(address owner_, uint64 validUntil_, uint32 epoch_, uint32 nonce_, uint32 scope_)
    pure
    returns (PackedBinding)
{
    return PackedBinding.wrap(
        uint256(uint160(owner_)) | (uint256(epoch_) << 160) | (uint256(scope_) << 176)
            | (uint256(nonce_) << 190) | (uint256(validUntil_) << 222)
    );
}

function owner(PackedBinding binding) pure returns (address) {
    return address(uint160(PackedBinding.unwrap(binding)));
}

function validUntil(PackedBinding binding) pure returns (uint40) {
    return uint40(PackedBinding.unwrap(binding) >> 222);
}

function epoch(PackedBinding binding) pure returns (uint32) {
    return uint16(PackedBinding.unwrap(binding) >> 160);
}

function nonce(PackedBinding binding) pure returns (uint32) {
    return uint32(PackedBinding.unwrap(binding) >> 190);
}

function scope(PackedBinding binding) pure returns (uint16) {
    return uint16(PackedBinding.unwrap(binding) >> 176) & 0xfff;
}

function isRevoked(PackedBinding binding) pure returns (bool) {
    return PackedBinding.unwrap(binding) & REVOKED != 0;
}

function isRetired(PackedBinding binding) pure returns (bool) {
    return PackedBinding.unwrap(binding) & RETIRED != 0;
}

/// @dev The binding with its revoked bit set.
function revoked(PackedBinding binding) pure returns (PackedBinding) {
    return PackedBinding.wrap(PackedBinding.unwrap(binding) | REVOKED);
}

/// @dev The binding with its revoked and retired bits set.
function retired(PackedBinding binding) pure returns (PackedBinding) {
    return PackedBinding.wrap(PackedBinding.unwrap(binding) | REVOKED | RETIRED);
}

/// @dev Whether the delegation is in force at a time. A device that was never bound has a `validUntil` of 0.
function inForce(PackedBinding binding, uint256 timestamp) pure returns (bool) {
    return binding.validUntil() >= timestamp && !binding.isRevoked();
}

/// @dev Whether the scope contains every bit of `asked`.
function covers(PackedBinding binding, uint32 asked) pure returns (bool) {
    return asked & ~uint32(binding.scope()) == 0;
}
