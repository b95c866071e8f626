import { deadlineOf, type GameMove, type GameView } from '../port.ts';

/** What a player does next in one game. */
export type Decision =
  | { readonly kind: 'move'; readonly move: GameMove }
  /** The other side is to move, until `until` (Unix seconds) at the latest. */
  | { readonly kind: 'wait'; readonly until: number }
  | { readonly kind: 'over'; readonly claimantWon: boolean }
  /** No move can help: this side's time is over, or everything that the other side showed is right. */
  | { readonly kind: 'stuck'; readonly why: string };

/**
 * The decision that follows from the game alone, whatever the evidence says: nothing after the end, `release`
 * once another game has beaten the claim, `timeout` once the other side's time is over, and waiting while it
 * is the other side's turn. Undefined when this side has to look at its evidence.
 */
export function forcedMove(view: GameView, side: 'claimant' | 'challenger'): Decision | undefined {
  const { game, claim, now, events } = view;
  if (game.phase === 'over') {
    const end = events.findLast((event) => event.kind === 'over');
    return { kind: 'over', claimantWon: end?.kind === 'over' && end.claimantWon };
  }
  if (claim.lost) {
    // A release costs a transaction, and only the challenger gains by it.
    if (side === 'challenger') return { kind: 'move', move: { kind: 'release', game: game.game } };
    return { kind: 'over', claimantWon: false };
  }
  const mine = game.clock.claimantToMove === (side === 'claimant');
  const until = deadlineOf(game.clock);
  if (now > until) {
    if (mine) return { kind: 'stuck', why: 'This side’s time has run out.' };
    return { kind: 'move', move: { kind: 'timeout', game: game.game } };
  }
  // Anyone may call the judge, so a side that knows it is right does not wait for the other.
  if (mine || game.phase === 'judge') return undefined;
  return { kind: 'wait', until };
}
