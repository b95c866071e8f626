import { describe, expect, it } from 'vitest';
import type { Slot } from './evidence.ts';
import { explain, f32, type RunInWords } from './explain.ts';
import type { GameView, Happened } from './port.ts';

const ROOT = `0x${'ab'.repeat(32)}` as const;

function slot(op: number): Slot {
  const node = { op, output: 0, length: 64, attributes: [], lengths: [] };
  return { kind: 3, place: 0, count: 0, name: '0x', node, inputs: [], names: [] };
}

const run: RunInWords = {
  steps: 20,
  program: [slot(1), slot(1), slot(2)],
  slotNames: ['a', 'layers.0.mlp.gate', 'ids'],
  operatorName: (op) => (op === 1 ? 'matmul' : 'sample'),
};

function view(events: readonly Happened[], change: Partial<GameView['game']> = {}): GameView {
  return {
    now: 1000,
    claim: {
      claim: 3,
      claimant: '0x1111111111111111111111111111111111111111',
      terms: ROOT,
      root: ROOT,
      windowEnd: 2000,
      liveGames: 1,
      lost: false,
      settled: false,
      bond: 1n,
    },
    game: {
      claim: 3,
      game: 0,
      challenger: '0x2222222222222222222222222222222222222222',
      bond: 1n,
      clock: { claimantLeft: 100, challengerLeft: 50, since: 900, claimantToMove: true },
      phase: 'steps',
      step: 2,
      slot: 1,
      first: 0,
      size: 16,
      node: ROOT,
      revealed: false,
      before: ROOT,
      trace: ROOT,
      length: 4096,
      element: 17,
      value: 0x3f800000,
      chunk: 1,
      chunks: 4,
      accumulatorBefore: 0,
      accumulatorAfter: 0x3f800000,
      ...change,
    },
    events,
  };
}

const descent: readonly Happened[] = [
  { kind: 'step-opened', before: ROOT, after: ROOT, trace: ROOT },
  { kind: 'slot-opened', slot: 1, tensor: ROOT },
  { kind: 'element-picked', element: 17, value: 0x3f800000 },
  { kind: 'fold-posted', accumulators: [0, 0, 0, 0x3f800000] },
  { kind: 'chunk-picked', chunk: 1 },
];

describe('explain', () => {
  it('says what is looked for and whose turn it is until when', () => {
    const story = explain(view([]), run);
    expect(story.now).toEqual({
      sentence: 'Looking for the first step that differs, 1 to 16 of 20.',
      toMove: 'claimant',
      until: 1000,
    });
    expect(story.levels).toEqual([]);
    expect(story.verdict).toBeUndefined();
  });

  it('goes from the step over the operator and the number to the sum', () => {
    const { levels } = explain(view(descent, { phase: 'judge', size: 1 }), run);
    expect(levels.map(({ title }) => title)).toEqual([
      'Step 3 of 20',
      'layers.0.mlp.gate, by matmul',
      'Number 18 of 4096',
      'Part 2 of 4 of its sum',
    ]);
    expect(levels[2]?.detail).toBe('Claimed to be 1 (0x3f800000).');
  });

  it('shows both values and the verdict', () => {
    const judged: Happened = { kind: 'judged', got: 0x3f800001n, claimed: 0x3f800000n };
    const story = explain(view([...descent, judged, { kind: 'over', claimantWon: false }]), run);
    expect(story.now).toBeUndefined();
    expect(story.verdict).toEqual({
      claimantWon: false,
      sentence: 'The claim was wrong: the contract computed another number.',
      judged: { claimed: f32(0x3f800000), got: { bits: '0x3f800001', text: '1.00000012' } },
    });
  });

  it('tells silence and what everybody was given from a judgement', () => {
    const silent = (claimantWon: boolean) => explain(view([{ kind: 'over', claimantWon }]), run).verdict;
    expect(silent(false)?.sentence).toContain('showed nothing more in time');
    expect(silent(true)?.sentence).toContain('the challenger said nothing more');
    const given = explain(view([...descent.slice(0, 2), { kind: 'over', claimantWon: true }]), run);
    expect(given.verdict?.sentence).toContain('what everybody was given');
    expect(given.verdict?.judged).toBeUndefined();
  });

  it('reads drawn tokens as whole numbers and counts of parts as counts', () => {
    const drawn: Happened = { kind: 'element-picked', element: 0, value: 41 };
    expect(explain(view([drawn], { slot: 2 }), run).levels[0]?.detail).toBe('Claimed to be 41 (0x00000029).');
    const judged: Happened = { kind: 'judged', got: 5n, claimed: 2n ** 256n - 1n };
    const story = explain(view([judged, { kind: 'over', claimantWon: false }]), run);
    expect(story.verdict?.judged?.claimed.text).toBe(String(2n ** 256n - 1n));
  });

  it('does without the run', () => {
    expect(explain(view(descent)).levels.map(({ title }) => title)).toEqual([
      'Step 3',
      'Result 2',
      'Number 18 of 4096',
      'Part 2 of 4 of its sum',
    ]);
  });
});
