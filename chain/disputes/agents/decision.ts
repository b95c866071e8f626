import type { GameMove, GameView } from '../port.ts';

/** What a player does next in one game. */
export type Decision =
  | { readonly kind: 'move'; readonly move: GameMove }
  /** The other side is to move, until `until` at the latest. */
  | { readonly kind: 'wait'; readonly until: number }
  | { readonly kind: 'over'; readonly claimantWon: boolean }
  /** No move can help: time has run out, or what the other side showed is what the evidence says too. */
  | { readonly kind: 'stuck'; readonly why: string };

/** When the side to move runs out of time: it loses after this second. */
export function deadlineOf({ game: { clock } }: GameView): number {
  return clock.since + (clock.claimantToMove ? clock.claimantLeft : clock.challengerLeft);
}

/**
 * What is to do whatever the game is about: nothing after the end; release when another game has beaten the claim; timeout when the
 * other side's time is up. Undefined when it is this side's move.
 */
export function withoutEvidence(view: GameView, side: 'claimant' | 'challenger'): Decision | undefined {
  const { game, claim, now, events } = view;
  if (game.phase === 'over') {
    const end = events.findLast((event) => event.kind === 'over');
    return { kind: 'over', claimantWon: end?.kind === 'over' && end.claimantWon };
  }
  if (claim.lost) {
    // Only the challenger gains by it, and it costs a transaction.
    if (side === 'challenger') return { kind: 'move', move: { kind: 'release', game: game.game } };
    return { kind: 'over', claimantWon: false };
  }
  const mine = game.clock.claimantToMove === (side === 'claimant');
  const until = deadlineOf(view);
  if (now > until) {
    if (mine) return { kind: 'stuck', why: 'This side’s time has run out.' };
    return { kind: 'move', move: { kind: 'timeout', game: game.game } };
  }
  // Anyone may call the judge: whoever knows to be right does not wait for the other.
  if (mine || game.phase === 'judge') return undefined;
  return { kind: 'wait', until };
}
