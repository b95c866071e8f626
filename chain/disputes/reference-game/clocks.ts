/** Budgets of time, of which only that of whoever is to move runs down (docs/verde.md, "The game"). Times are Unix seconds. */
import type { ClockState, Settings } from '../port.ts';
import { must } from './revert.ts';

/** The clock at a challenge: the claimant is to move, with an extension for each game already live, up to a second budget. */
export function startedClock(settings: Settings, liveGames: number, now: number): ClockState {
  const { budget, extension } = settings;
  return {
    claimantLeft: budget + Math.min(budget, extension * liveGames),
    challengerLeft: budget,
    since: now,
    claimantToMove: true,
  };
}

/** Whether the side to move has run out of time; it still has the last second. */
export function isOver(clock: ClockState, now: number): boolean {
  return now > clock.since + (clock.claimantToMove ? clock.claimantLeft : clock.challengerLeft);
}

/** The clock after a move. The side that is to move next has at least the extension. Throws Refusal when the time was up. */
export function pressed(
  clock: ClockState,
  now: number,
  claimantToMove: boolean,
  extension: number,
): ClockState {
  must(!isOver(clock, now), 'OutOfTime');
  const used = now - clock.since;
  const claimantLeft = clock.claimantLeft - (clock.claimantToMove ? used : 0);
  const challengerLeft = clock.challengerLeft - (clock.claimantToMove ? 0 : used);
  return {
    claimantLeft: claimantToMove ? Math.max(claimantLeft, extension) : claimantLeft,
    challengerLeft: claimantToMove ? challengerLeft : Math.max(challengerLeft, extension),
    since: now,
    claimantToMove,
  };
}
