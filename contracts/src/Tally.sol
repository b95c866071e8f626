// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice A device's whole record in one word, so that an attestation reads and writes storage once. It is
/// packed by shifts, because the compiler writes a packed struct back field by field, which costs 1,500 gas
/// more.
///
/// Rounds come in pages of 64. The word holds which rounds of one page the device attested: the latest page
/// in which it attested at all. Participation keeps the pages before it elsewhere.
///
///     bits   0 to  63   the rounds of the page that were attested, one bit a round
///     bits  64 to  97   the page
///     bits  98 to 137   latest round voted in
///     bits 138 to 140   which of that round and the two before it were voted in; all zero if none ever was
///     bits 141 to 176   rounds attested
///     bits 177 to 212   votes cast
///     bits 213 to 255   votes received
///
/// Nothing can overflow: 2**36 rounds of three seconds are 6,500 years, and 2**43 votes cost more than 10**16
/// gas.
type Tally is uint256;

using {
    page,
    pageBits,
    isLater,
    isEarlier,
    isMarked,
    marked,
    turned,
    counted,
    uncounted,
    nextRound,
    nextVote,
    hasVoted,
    voted,
    named,
    attestations,
    votesCast,
    votesReceived
} for Tally global;

uint256 constant ONE_ATTESTATION = 1 << 141;
uint256 constant ONE_VOTE_CAST = 1 << 177;
uint256 constant ONE_VOTE_RECEIVED = 1 << 213;
/// @dev The bits of the latest vote.
uint256 constant VOTES = ((1 << 43) - 1) << 98;

function page(Tally tally) pure returns (uint256) {
    return (Tally.unwrap(tally) >> 64) & (2 ** 34 - 1);
}

/// @dev Which rounds of the page were attested. The lowest bit is the page's first round.
function pageBits(Tally tally) pure returns (uint256) {
    return uint64(Tally.unwrap(tally));
}

/// @dev Whether a round lies on a later page than the one held.
function isLater(Tally tally, uint64 round) pure returns (bool) {
    return round >> 6 > tally.page();
}

/// @dev Whether a round lies on an earlier page than the one held.
function isEarlier(Tally tally, uint64 round) pure returns (bool) {
    return round >> 6 < tally.page();
}

/// @dev Whether a round of the page held was attested.
function isMarked(Tally tally, uint64 round) pure returns (bool) {
    return (Tally.unwrap(tally) >> (round & 63)) & 1 == 1;
}

/// @dev The tally after attesting a round of the page held, which was not marked before.
function marked(Tally tally, uint64 round) pure returns (Tally) {
    unchecked {
        return Tally.wrap((Tally.unwrap(tally) | (uint256(1) << (round & 63))) + ONE_ATTESTATION);
    }
}

/// @dev The tally after attesting a round of a later page. The caller has kept the bits of the page held.
function turned(Tally tally, uint64 round) pure returns (Tally) {
    uint256 kept = Tally.unwrap(tally) & ~uint256(2 ** 98 - 1);
    return Tally.wrap(kept | (uint256(round >> 6) << 64)).marked(round);
}

/// @dev The tally after attesting a round of an earlier page, which the caller has marked there.
function counted(Tally tally) pure returns (Tally) {
    unchecked {
        return Tally.wrap(Tally.unwrap(tally) + ONE_ATTESTATION);
    }
}

/// @dev The tally after an attested round turned out to be contradicted. The round stays marked.
function uncounted(Tally tally) pure returns (Tally) {
    return Tally.wrap(Tally.unwrap(tally) - ONE_ATTESTATION);
}

/// @dev One more than the latest round attested, zero if none ever was.
function nextRound(Tally tally) pure returns (uint64) {
    uint256 bits = tally.pageBits();
    if (bits == 0) return 0;
    uint256 next = tally.page() << 6;
    for (; bits != 0; bits >>= 1) {
        ++next;
    }
    // A page has 34 bits.
    // forge-lint: disable-next-line(unsafe-typecast)
    return uint64(next);
}

/// @dev One more than the latest round voted in, zero if none ever was.
function nextVote(Tally tally) pure returns (uint64) {
    if ((Tally.unwrap(tally) >> 138) & 7 == 0) return 0;
    return uint64(uint40(Tally.unwrap(tally) >> 98)) + 1;
}

/// @dev Whether the device voted in a round. More than two rounds before the latest vote the answer is true:
/// such a round was closed before that vote.
function hasVoted(Tally tally, uint64 round) pure returns (bool) {
    uint256 votes = Tally.unwrap(tally) >> 98;
    uint256 mask = (votes >> 40) & 7;
    uint256 latest = votes & (2 ** 40 - 1);
    if (mask == 0 || round > latest) return false;
    uint256 age = latest - round;
    return age > 2 || (mask >> age) & 1 == 1;
}

/// @dev The tally after voting in a round in which the device had not voted.
function voted(Tally tally, uint64 round) pure returns (Tally) {
    uint256 word = Tally.unwrap(tally);
    uint256 votes = word >> 98;
    uint256 mask = (votes >> 40) & 7;
    uint256 latest = votes & (2 ** 40 - 1);
    if (round > latest || mask == 0) {
        mask = mask == 0 ? 1 : ((mask << (round - latest)) & 7) | 1;
        latest = round;
    } else {
        mask |= uint256(1) << (latest - round);
    }
    return Tally.wrap(((word & ~VOTES) | (latest << 98) | (mask << 138)) + ONE_VOTE_CAST);
}

/// @dev The tally after a vote of another device named this one.
function named(Tally tally) pure returns (Tally) {
    unchecked {
        return Tally.wrap(Tally.unwrap(tally) + ONE_VOTE_RECEIVED);
    }
}

function attestations(Tally tally) pure returns (uint64) {
    return uint64(Tally.unwrap(tally) >> 141) & (2 ** 36 - 1);
}

function votesCast(Tally tally) pure returns (uint64) {
    return uint64(Tally.unwrap(tally) >> 177) & (2 ** 36 - 1);
}

function votesReceived(Tally tally) pure returns (uint64) {
    return uint64(Tally.unwrap(tally) >> 213);
}
