import type { GameView } from '../port.ts';
import type { DisputesModel } from './reference-disputes.ts';
import { NOTHING } from './state.ts';

/** A game of the model as a player sees it. Throws Refusal for a game that never began. */
export function viewOf(model: DisputesModel, id: number, now: number): GameView {
  const { events, revealed, ...game } = model.gameAt(id);
  return {
    now,
    claim: { claim: game.claim, ...model.claimAt(game.claim) },
    game: { game: id, ...game, revealed: revealed !== NOTHING },
    events,
  };
}
