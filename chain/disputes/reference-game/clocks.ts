/**
 * Chess clocks: each side has a budget of time, and only that of the side to move runs down (docs/verde.md,
 * "The game"). Times are Unix seconds.
 */
import { budgetOf, type ClockState, type Settings } from '../port.ts';
import { requireThat } from './revert.ts';

/**
 * The clock when a game about so many steps begins. The claimant is to move. Its time is the budget and one
 * extension for each game that is live already, at most twice the budget.
 */
export function clockAtChallenge(
  settings: Settings,
  { steps, liveGames, now }: { readonly steps: number; readonly liveGames: number; readonly now: number },
): ClockState {
  const budget = budgetOf(settings, steps);
  return {
    claimantLeft: budget + Math.min(budget, settings.extension * liveGames),
    challengerLeft: budget,
    since: now,
    claimantToMove: true,
  };
}

/** Whether the side to move has run out of time. The last second still belongs to it. */
export function isOver(clock: ClockState, now: number): boolean {
  return now > clock.since + (clock.claimantToMove ? clock.claimantLeft : clock.challengerLeft);
}

/**
 * The clock after a move. The side that is to move next has at least the extension. Throws MoveRevertError
 * `OutOfTime` if the time was over.
 */
export function afterMove(
  clock: ClockState,
  now: number,
  claimantToMove: boolean,
  extension: number,
): ClockState {
  requireThat(!isOver(clock, now), 'OutOfTime');
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
