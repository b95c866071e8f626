/** Who plays: the software's own players with right or wrong numbers, and friends of liars who play anything or nothing. */
import type { Address } from 'viem';
import { challengerDecision } from '../../chain/disputes/agents/challenger.ts';
import { claimantDecision } from '../../chain/disputes/agents/claimant.ts';
import type { GameEvent, GameMove, GameView } from '../../chain/disputes/port.ts';
import type { Evidence } from '../../protocol/evidence.ts';
import type { Draws } from './draws.ts';

export interface Agent {
  readonly address: Address;
  /** Whether nothing may make this one lose. */
  readonly honest: boolean;
  /** The next move; undefined for silence. */
  decide(view: GameView): Promise<GameMove | undefined>;
}

/** The software's own claimant or challenger on that evidence. A liar falls silent with that probability at each move. */
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
      // A liar's numbers can contradict each other, and then it has nothing to show.
      const decided = await decision(view, evidence).catch((error: unknown) => {
        if (honest) throw error;
        return undefined;
      });
      return decided?.kind === 'move' ? decided.move : undefined;
    },
  };
}

/** A challenger that names whatever comes, and at times nothing. */
export function stray(address: Address, evidence: Evidence, draws: Draws): Agent {
  return {
    address,
    honest: false,
    async decide({ game, claim, events }) {
      if (claim.lost || game.clock.claimantToMove || draws.chance(0.05)) return undefined;
      const last = events.at(-1);
      const slot = evidence.program[game.slot];
      if (last === undefined || slot === undefined) return undefined;
      return named(last, game.game, slot, draws);
    },
  };
}

function named(
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
