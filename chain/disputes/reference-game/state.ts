import type { Address, Hex } from 'viem';
import { type ClockState, type GameEvent, PHASES, type Phase } from '../port.ts';
import { word } from './abi-words.ts';

/** `IDisputes.Claim`. */
export interface Claim {
  readonly claimant: Address;
  readonly windowEnd: number;
  readonly liveGames: number;
  readonly lost: boolean;
  readonly settled: boolean;
  readonly bond: bigint;
  readonly moves: number;
  readonly pot: bigint;
  readonly terms: Hex;
  readonly root: Hex;
  /** When it was made, Unix seconds. The contract has this in its events only. */
  readonly madeAt: number;
}

/** `IDisputes.Game`, and the game's events. */
export interface Game {
  readonly claim: number;
  readonly challenger: Address;
  readonly bond: bigint;
  readonly clock: ClockState;
  readonly phase: Phase;
  readonly step: number;
  readonly slot: number;
  readonly first: number;
  readonly size: number;
  readonly moves: number;
  readonly node: Hex;
  readonly revealed: Hex;
  readonly before: Hex;
  readonly trace: Hex;
  readonly slotHash: Hex;
  readonly length: number;
  readonly element: number;
  readonly value: number;
  readonly accumulators: Hex;
  readonly chunk: number;
  readonly chunks: number;
  readonly accumulatorBefore: number;
  readonly accumulatorAfter: number;
  readonly madeAt: number;
  readonly events: readonly GameEvent[];
}

/** What `claimOf` of the contract returns for this claim. */
export function claimWords(c: Claim): Hex {
  const { claimant, windowEnd, liveGames, lost, settled, bond, moves, pot, terms, root } = c;
  return `0x${[claimant, windowEnd, liveGames, lost, settled, bond, moves, pot, terms, root].map(word).join('')}`;
}

/** What `gameOf` of the contract returns for this game. */
export function gameWords(game: Game): Hex {
  const { clock, phase } = game;
  const words = [
    game.claim,
    game.challenger,
    game.bond,
    clock.claimantLeft,
    clock.challengerLeft,
    clock.since,
    clock.claimantToMove,
    PHASES.indexOf(phase),
    game.step,
    game.slot,
    game.first,
    game.size,
    game.moves,
    game.node,
    game.revealed,
    game.before,
    game.trace,
    game.slotHash,
    game.length,
    game.element,
    game.value,
    game.accumulators,
    game.chunk,
    game.chunks,
    game.accumulatorBefore,
    game.accumulatorAfter,
  ];
  return `0x${words.map(word).join('')}`;
}
