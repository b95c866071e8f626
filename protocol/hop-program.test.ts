import { describe, expect, it } from 'vitest';
import { SLOT_KIND, type Slot, type StepTrace } from './evidence.ts';
import { HashTree, hexLeafHash } from './hash-tree.ts';
import type { Hex } from './hex.ts';
import { type HopShape, hopEvidence, hopProgram, hopReads, hopResult, hopTrace } from './hop-program.ts';

const NODE = { op: 1, output: 0, length: 4, attributes: [], lengths: [4, 4] };

function slot(kind: Slot['kind'], inputs: readonly number[] = []): Slot {
  return { kind, place: 0, count: 0, name: '0x', node: NODE, inputs, names: [] };
}

const { state, data, fixed, output, compose } = SLOT_KIND;
/** w, x, w + x, its square, the square + x, the checkpoint. The hop is the square and what follows. */
const program = [
  slot(state),
  slot(data),
  slot(output, [0, 1]),
  slot(output, [2, 2]),
  slot(output, [3, 1]),
  slot(compose, [4]),
];
const shape: HopShape = { first: 3, count: 2, inputs: [1, 2], tables: [], outputs: [4] };
const root = (i: number): Hex => `0x${i.toString(16).padStart(64, '0')}`;

const trace: StepTrace = {
  before: root(100),
  after: root(101),
  checkpointLeaves: [root(102)],
  roots: program.map((_, i) => root(i)),
  tensor: (slot) => Promise.resolve(Uint8Array.of(slot)),
  accumulators: (slot, element) => Promise.resolve([slot, element]),
  needed: (slot, element) => Promise.resolve([{ input: slot, leaf: element }]),
};

describe('a hop as a run of its own', () => {
  it('[V-72] reads what its slots read and do not compute, in ascending order', () => {
    expect(hopReads(program, shape)).toEqual({ inputs: [1, 2], tables: [] });
    expect(hopReads(program, { first: 2, count: 3 })).toEqual({ inputs: [0, 1], tables: [] });
    expect(hopReads(program.with(1, slot(fixed)), shape)).toEqual({ inputs: [2], tables: [1] });
    expect(() => hopReads(program, { first: 5, count: 2 })).toThrow(RangeError);
    expect(() => hopReads(program, { first: 2, count: 0 })).toThrow(RangeError);
  });

  it('[V-73] has the inputs as data, and then its slots with other numbers', () => {
    const slots = hopProgram(program, shape);
    expect(slots.map(({ kind, inputs }) => [kind, inputs])).toEqual([
      [data, []],
      [data, []],
      [output, [1, 1]],
      [output, [2, 0]],
      [compose, [3]],
    ]);
    expect(slots.map(({ place }) => place)).toEqual([0, 1, 0, 0, 0]);
    expect(slots[2]?.node).toBe(NODE);
  });

  it('[V-73] has tables after the inputs, as they are in the whole program', () => {
    const table = { ...slot(fixed), name: root(1) };
    const slots = hopProgram(program.with(1, table), { ...shape, inputs: [2], tables: [1] });
    expect(slots.map(({ inputs }) => inputs)).toEqual([[], [], [0, 0], [2, 1], [3]]);
    expect(slots[1]).toBe(table);
  });

  it('takes an input that a slot of the hop would compute as it is given', () => {
    const slots = hopProgram(program, { ...shape, inputs: [1, 2, 3] });
    expect(slots.map(({ inputs }) => inputs)).toEqual([[], [], [], [1, 1], [2, 0], [4]]);
  });

  it.each([
    ['reads what it is not given', { ...shape, inputs: [1] }],
    ['hands on what it does not compute', { ...shape, outputs: [2] }],
    ['hands on what comes after it', { ...shape, outputs: [5] }],
    ['hands on nothing', { ...shape, outputs: [] }],
    ['takes for a table what no table is', { ...shape, inputs: [2], tables: [1] }],
  ])('is refused if it %s', (_, bad) => {
    expect(() => hopProgram(program, bad)).toThrow(RangeError);
  });

  it('composes its result from its outputs, the last as it is', () => {
    expect(hopResult([{ root: root(7) }])).toBe(root(7));
    const two = new HashTree([hexLeafHash(root(7)), root(8)]).root;
    expect(hopResult([{ root: root(7) }, { root: root(8) }])).toBe(two);
    expect(() => hopResult([])).toThrow(RangeError);
  });

  it('has the part of the step’s trace that is its own', async () => {
    const part = hopTrace(shape, trace);
    expect(part.roots).toEqual([root(1), root(2), root(3), root(4), root(4)]);
    expect(part.after).toBe(root(4));
    expect(await part.tensor(0)).toEqual(Uint8Array.of(1));
    expect(await part.tensor(2)).toEqual(Uint8Array.of(3));
    expect(await part.accumulators(3, 9)).toEqual([4, 9]);
    expect(await part.needed(2, 9, undefined)).toEqual([{ input: 3, leaf: 9 }]);
    expect(() => part.tensor(4)).toThrow(RangeError);
  });

  it('gives evidence for its one step', async () => {
    const slotNames = ['w', 'x', 'sum', 'square', 'out', 'checkpoint'];
    const evidence = hopEvidence({ program, shape, trace: hopTrace(shape, trace), slotNames });
    expect(evidence.slotNames).toEqual(['x', 'sum', 'square', 'out', 'result']);
    expect(evidence.terms).toMatchObject({ steps: 1, slots: 5, dataSlots: 2, initial: root(0) });
    expect(evidence.terms.data).toBe(HashTree.over([root(1), root(2)]).root);
    expect(await evidence.stepRoots()).toEqual([root(4)]);
    await expect(evidence.trace(1)).rejects.toThrow(RangeError);
  });
});
