/** A dispute about one number of a matrix product, as it was judged, for tests and drawings. */
import type { GameEvent, GameView } from '../../../chain/disputes/port.ts';
import type { DescribedRun } from '../../../chain/disputes/transcript/transcript.ts';
import { SLOT_KIND } from '../../../protocol/evidence.ts';
import { claimView, HASH, NOW } from '../../jobs/testing/tasks.ts';

const CHALLENGER = `0x${'33'.repeat(20)}` as const;

const ROOT = `0x${'44'.repeat(32)}` as const;
const node = { op: 2, output: 0, length: 2048, attributes: [], lengths: [] };
const slot = { kind: SLOT_KIND.output, place: 0, count: 1, name: HASH, node, inputs: [], names: [] };

export const DESCRIBED_RUN: DescribedRun = {
  terms: { program: HASH, data: HASH, initial: HASH, steps: 4, slots: 1, dataSlots: 0 },
  program: [slot],
  slotNames: ['gradient.layers.1.mlp.down_proj'],
};

const MOVES: readonly GameEvent[] = [
  { kind: 'picked', phase: 'step', first: 2, size: 1 },
  { kind: 'step-opened', before: ROOT, after: ROOT, trace: ROOT },
  { kind: 'picked', phase: 'slot', first: 0, size: 1 },
  { kind: 'picked', phase: 'leaf', first: 0, size: 1 },
  { kind: 'leaf-opened', data: ROOT },
  { kind: 'element-picked', element: 777, value: 0x40490fdb },
];

/** A game: still searching for the step, or judged for the challenger. */
export function game(id: number, state: 'searching' | 'judged'): GameView {
  const over = state === 'judged';
  return {
    now: NOW,
    claim: claimView({ liveGames: over ? 0 : 1, lost: over }),
    game: {
      claim: 0,
      game: id,
      challenger: CHALLENGER,
      bond: 1n,
      clock: { claimantLeft: 300, challengerLeft: 300, since: NOW, claimantToMove: true },
      phase: over ? 'over' : 'steps',
      step: 2,
      slot: 0,
      first: 0,
      size: over ? 1 : 4,
      node: ROOT,
      revealed: false,
      before: ROOT,
      trace: ROOT,
      length: 2048,
      element: 777,
      value: 0x40490fdb,
      chunk: 0,
      chunks: 0,
      accumulatorBefore: 0,
      accumulatorAfter: 0,
    },
    events: over
      ? [
          ...MOVES,
          { kind: 'judged', got: 0x40490fdan, claimed: 0x40490fdbn },
          { kind: 'over', claimantWon: false },
        ]
      : [],
  };
}
