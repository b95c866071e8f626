import type { Evidence } from '../../../protocol/evidence.ts';
import type { DisputesPort, GameMove, GameView, Played, PortOptions } from '../port.ts';
import { challengerDecision, InconsistentViewError } from './challenger.ts';
import { claimantDecision } from './claimant.ts';
import type { Decision } from './decision.ts';

export interface PlayGameOptions extends PortOptions {
  readonly port: DisputesPort;
  readonly game: number;
  readonly side: 'claimant' | 'challenger';
  readonly evidence: Evidence;
}

/** What a player found in a game and did about it. */
export type Turn =
  | { readonly kind: 'moved'; readonly move: GameMove; readonly played: Played; readonly view: GameView }
  /** The chain changed while it was read. */
  | { readonly kind: 'again' }
  | (Exclude<Decision, { kind: 'move' }> & { readonly view: GameView });

/**
 * Looks at a game and makes at most one move in it. It keeps no state: called again after a restart, a
 * reorganisation or a transaction that never came to count, it does what the chain then asks for. Rejects as
 * the node or the evidence does.
 */
export async function playGame(options: PlayGameOptions): Promise<Turn> {
  const { port, game, side, evidence, signal } = options;
  const given = { signal };
  const view = await port.look(game, given);
  const decide = side === 'claimant' ? claimantDecision : challengerDecision;
  try {
    const decision = await decide(view, evidence, given);
    if (decision.kind !== 'move') return { ...decision, view };
    const played = await port.play(decision.move, given);
    return { kind: 'moved', move: decision.move, played, view };
  } catch (error) {
    if (error instanceof InconsistentViewError) return { kind: 'again' };
    throw error;
  }
}
