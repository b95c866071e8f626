import { zeroHash } from 'viem';
import type { GameView } from '../port.ts';
import type { ReferenceDisputes } from './reference-disputes.ts';

/** A game as a player sees it. Throws MoveRevertError for a game that never began. */
export function viewOf(disputes: ReferenceDisputes, id: number, now: number): GameView {
  const { events, revealed, ...game } = disputes.gameAt(id);
  return {
    now,
    claim: { claim: game.claim, ...disputes.claimAt(game.claim) },
    game: { game: id, ...game, revealed: revealed !== zeroHash },
    events,
  };
}
