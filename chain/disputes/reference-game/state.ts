import type { Address, Hex } from 'viem';
import type { ClockState, GameEvent, Phase } from '../port.ts';
import { PHASES } from '../port.ts';
import { word } from './abi-words.ts';

export const NOTHING: Hex = `0x${'0'.repeat(64)}`;

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
  /** When it was made; the contract has this in its events only. */
  readonly madeAt: number;
}

/** `IDisputes.Game`, and what happened in it. */
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

/** What `claimOf` returns for this claim. */
export function claimWords(c: Claim): Hex {
  const { claimant, windowEnd, liveGames, lost, settled, bond, moves, pot, terms, root } = c;
  return `0x${[claimant, windowEnd, liveGames, lost, settled, bond, moves, pot, terms, root].map(word).join('')}`;
}

/** What `gameOf` returns for this game. */
export function gameWords(g: Game): Hex {
  const { claimantLeft, challengerLeft, since, claimantToMove } = g.clock;
  const words = [
    ...[g.claim, g.challenger, g.bond, claimantLeft, challengerLeft, since, claimantToMove],
    ...[PHASES.indexOf(g.phase), g.step, g.slot, g.first, g.size, g.moves],
    ...[g.node, g.revealed, g.before, g.trace, g.slotHash, g.length, g.element, g.value],
    ...[g.accumulators, g.chunk, g.chunks, g.accumulatorBefore, g.accumulatorAfter],
  ];
  return `0x${words.map(word).join('')}`;
}
