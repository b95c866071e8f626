// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice Two budgets of time, of which only that of whoever is to move runs down.
struct Clock {
    uint32 claimantLeft;
    uint32 challengerLeft;
    uint64 since;
    bool claimantToMove;
}

/// @title Chess clock
/// @notice After a move the other side has at least the extension, so that a move at the last second leaves time to answer it.
library ChessClock {
    /// @notice The time of the side to move has run out.
    error OutOfTime();

    /// @notice The claimant is to move, and has `extra` on top of its budget (both together below 2^32).
    function start(Clock storage clock, uint32 budget, uint32 extra) internal {
        clock.claimantLeft = budget + extra;
        clock.challengerLeft = budget;
        clock.since = uint64(block.timestamp);
        clock.claimantToMove = true;
    }

    function isOver(Clock storage clock) internal view returns (bool) {
        return
            block.timestamp - clock.since > (clock.claimantToMove ? clock.claimantLeft : clock.challengerLeft);
    }

    /// @notice Takes the time used from the side that moved and starts the clock of the one to move next.
    function press(Clock storage clock, bool claimantNext, uint32 extension) internal {
        if (isOver(clock)) revert OutOfTime();
        // Below 2^32, for the clock is not over.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint32 used = uint32(block.timestamp - clock.since);
        if (clock.claimantToMove) clock.claimantLeft -= used;
        else clock.challengerLeft -= used;
        clock.since = uint64(block.timestamp);
        clock.claimantToMove = claimantNext;
        if (claimantNext) {
            if (clock.claimantLeft < extension) clock.claimantLeft = extension;
        } else if (clock.challengerLeft < extension) {
            clock.challengerLeft = extension;
        }
    }
}
