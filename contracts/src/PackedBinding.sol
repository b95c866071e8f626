// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice IIdentity.Binding in one word, so that a look-up of a device reads storage once.
///
///     bits   0 to 159   owner, zero when the device was never bound
///     bits 160 to 191   epoch of the owner in which the delegation was signed
///     bits 192 to 207   scope
///     bit  208          revoked
///     bits 216 to 255   last second in which the delegation is in force
type PackedBinding is uint256;

using {owner, validUntil, epoch, scope, isRevoked, revoked, inForce, covers} for PackedBinding global;

/// @dev The caller must have checked that `validUntil_` is below 2**40 and `scope_` below 2**16.
function packBinding(address owner_, uint64 validUntil_, uint32 epoch_, uint32 scope_)
    pure
    returns (PackedBinding)
{
    return PackedBinding.wrap(
        uint256(uint160(owner_)) | (uint256(epoch_) << 160) | (uint256(scope_) << 192)
            | (uint256(validUntil_) << 216)
    );
}

function owner(PackedBinding binding) pure returns (address) {
    return address(uint160(PackedBinding.unwrap(binding)));
}

function validUntil(PackedBinding binding) pure returns (uint40) {
    return uint40(PackedBinding.unwrap(binding) >> 216);
}

function epoch(PackedBinding binding) pure returns (uint32) {
    return uint32(PackedBinding.unwrap(binding) >> 160);
}

function scope(PackedBinding binding) pure returns (uint16) {
    return uint16(PackedBinding.unwrap(binding) >> 192);
}

function isRevoked(PackedBinding binding) pure returns (bool) {
    return PackedBinding.unwrap(binding) & (1 << 208) != 0;
}

/// @dev The binding with its revoked bit set.
function revoked(PackedBinding binding) pure returns (PackedBinding) {
    return PackedBinding.wrap(PackedBinding.unwrap(binding) | (1 << 208));
}

/// @dev Whether the delegation is in force at a time. A device that was never bound has a `validUntil` of 0.
function inForce(PackedBinding binding, uint256 timestamp) pure returns (bool) {
    return binding.validUntil() >= timestamp && !binding.isRevoked();
}

/// @dev Whether the scope contains every bit of `asked`.
function covers(PackedBinding binding, uint32 asked) pure returns (bool) {
    return asked & ~uint32(binding.scope()) == 0;
}
