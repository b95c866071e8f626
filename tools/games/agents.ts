/**
 * The players of a match: the software's own decisions on right or wrong numbers, and challengers that move
 * at random.
 */
import type { Address } from 'viem';
import { challengerDecision } from '../../chain/disputes/agents/challenger.ts';
import { claimantDecision } from '../../chain/disputes/agents/claimant.ts';
import type { GameEvent, GameMove, GameView } from '../../chain/disputes/port.ts';
import type { Evidence } from '../../protocol/evidence.ts';
import type { Draws } from './draws.ts';

export interface Agent {
  readonly address: Address;
  /** Whether this player must never lose. */
  readonly honest: boolean;
  /** The next move; undefined if the player stays silent. */
  decide(view: GameView): Promise<GameMove | undefined>;
}

/**
 * The software's own claimant or challenger on that evidence. At each move it stays silent with probability
 * `silence`, which defaults to 0.
 */
export function player(options: {
  readonly address: Address;
  readonly side: 'claimant' | 'challenger';
  readonly evidence: Evidence;
  readonly honest: boolean;
  readonly draws: Draws;
  readonly silence?: number;
}): Agent {
  const { address, side, evidence, honest, draws, silence = 0 } = options;
  const decision = side === 'claimant' ? claimantDecision : challengerDecision;
  return {
    address,
    honest,
    async decide(view) {
      if (draws.chance(silence)) return undefined;
      // Faulty numbers can contradict each other, and then the player has nothing to show.
      const decided = await decision(view, evidence).catch((error: unknown) => {
        if (honest) throw error;
        return undefined;
      });
      return decided?.kind === 'move' ? decided.move : undefined;
    },
  };
}

/** A challenger that picks at random among what was shown, and stays silent at times. */
export function randomChallenger(address: Address, evidence: Evidence, draws: Draws): Agent {
  return {
    address,
    honest: false,
    async decide({ game, claim, events }) {
      if (claim.lost || game.clock.claimantToMove || draws.chance(0.05)) return undefined;
      const last = events.at(-1);
      const slot = evidence.program[game.slot];
      if (last === undefined || slot === undefined) return undefined;
      return randomPick(last, game.game, slot, draws);
    },
  };
}

function randomPick(
  last: GameEvent,
  game: number,
  slot: Evidence['program'][number],
  draws: Draws,
): GameMove | undefined {
  switch (last.kind) {
    case 'revealed':
      return { kind: 'pick', game, index: draws.below(last.nodes.length), nodes: last.nodes };
    case 'leaf-opened': {
      const words = (last.data.length - 2) / 8;
      return { kind: 'pickElement', game, slot, offset: draws.below(words), data: last.data };
    }
    case 'fold-posted': {
      const { accumulators } = last;
      return { kind: 'pickChunk', game, chunk: draws.below(Math.max(1, accumulators.length)), accumulators };
    }
    default:
      return undefined;
  }
}
