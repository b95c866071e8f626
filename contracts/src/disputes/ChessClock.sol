// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice The clocks of both sides, in seconds. Only the clock of the side to move runs.
struct Clock {
    uint32 claimantLeft;
    uint32 challengerLeft;
    uint64 since;
    bool claimantToMove;
}

/// @title Chess clock
/// @notice After a move the other side has at least the extension, so that it can answer a move made in the
/// last second.
library ChessClock {
    /// @notice The time of the side to move has run out.
    error OutOfTime();

    /// @notice Starts the clocks. The claimant moves first and has `extra` seconds on top of its budget.
    /// `budget + extra` must be below 2^32.
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

    /// @notice Takes the time used from the side that moved and starts the clock of the side to move next.
    function press(Clock storage clock, bool claimantNext, uint32 extension) internal {
        require(!isOver(clock), OutOfTime());
        // The clock is not over, so the time used is below 2^32.
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
