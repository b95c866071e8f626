// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice A device's whole record in one word, so that an attestation reads and writes storage once. It is
/// packed by shifts, because the compiler writes a packed struct back field by field, which costs 1,500 gas
/// more.
///
///     bits   0 to  63   first round that the device may still attest, zero if it never has
///     bits  64 to 127   first round that the device may still vote in, zero if it never has
///     bits 128 to 167   rounds attested
///     bits 168 to 207   votes cast
///     bits 208 to 255   votes received
///
/// No count can overflow: 2**40 rounds of one second are 35,000 years, and 2**48 votes cost more than 10**18
/// gas.
type Tally is uint256;

using {nextRound, nextVote, attestations, votesCast, votesReceived, attested, voted, named} for Tally global;

function nextRound(Tally tally) pure returns (uint64) {
    return uint64(Tally.unwrap(tally));
}

function nextVote(Tally tally) pure returns (uint64) {
    return uint64(Tally.unwrap(tally) >> 64);
}

function attestations(Tally tally) pure returns (uint64) {
    return uint40(Tally.unwrap(tally) >> 128);
}

function votesCast(Tally tally) pure returns (uint64) {
    return uint40(Tally.unwrap(tally) >> 168);
}

function votesReceived(Tally tally) pure returns (uint64) {
    return uint48(Tally.unwrap(tally) >> 208);
}

/// @dev The tally after attesting `round`, which must be below 2**64 - 1.
function attested(Tally tally, uint64 round) pure returns (Tally) {
    unchecked {
        uint256 kept = Tally.unwrap(tally) & ~uint256(type(uint64).max);
        return Tally.wrap((kept | (uint256(round) + 1)) + (1 << 128));
    }
}

/// @dev The tally after voting in `round`, which must be below 2**64 - 1.
function voted(Tally tally, uint64 round) pure returns (Tally) {
    unchecked {
        uint256 kept = Tally.unwrap(tally) & ~(uint256(type(uint64).max) << 64);
        return Tally.wrap((kept | ((uint256(round) + 1) << 64)) + (1 << 168));
    }
}

/// @dev The tally after a vote of another device named this one.
function named(Tally tally) pure returns (Tally) {
    unchecked {
        return Tally.wrap(Tally.unwrap(tally) + (1 << 208));
    }
}
