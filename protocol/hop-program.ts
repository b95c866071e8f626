/**
 * A hop of a step as a run of its own: one step whose data are the hop's inputs, whose program are the hop's
 * tables and slots in the program of the whole step, and whose result is composed from the hop's outputs. So
 * one hop can be claimed and disputed alone, which convicts a device that signed something else.
 * contracts/src/HopProgram.sol makes the same terms.
 */
import { type Evidence, SLOT_KIND, type Slot, type StepTrace, type Terms } from './evidence.ts';
import type { SlotRoot } from './handoff.ts';
import { HashTree, hexLeafHash } from './hash-tree.ts';
import type { Hex } from './hex.ts';
import { toHex } from './hex.ts';
import { merkleRoot } from './merkle.ts';
import { slotLeaf } from './slot-encoding.ts';

/** Which slots of a step's program a hop is. */
export interface HopShape {
  /** The slots that the hop's slots read and do not compute, in the order in which a device signs them. */
  readonly inputs: readonly number[];
  /** The fixed slots that they read. The program has their roots, so nobody signs them. */
  readonly tables: readonly number[];
  /** The slots that the hop hands on. */
  readonly outputs: readonly number[];
  readonly first: number;
  readonly count: number;
}

/** The checkpoint before the only step of a hop's run. There is none. */
const NO_CHECKPOINT: Hex = `0x${'00'.repeat(32)}`;

const EMPTY: Omit<Slot, 'kind'> = {
  place: 0,
  count: 0,
  name: '0x',
  node: { op: 0, output: 0, length: 0, attributes: [], lengths: [] },
  inputs: [],
  names: [],
};

/**
 * The slots that `count` slots from `first` on read and do not compute, each once, in ascending order: those
 * that a device signs, and the fixed ones. Throws RangeError for slots that the program lacks.
 */
export function hopReads(
  program: readonly Slot[],
  { first, count }: Pick<HopShape, 'first' | 'count'>,
): Pick<HopShape, 'inputs' | 'tables'> {
  const read = new Set<number>();
  for (const slot of slotsOf(program, first, count)) {
    for (const place of slot.inputs) if (place < first) read.add(place);
  }
  const slots = [...read].toSorted((a, b) => a - b);
  const isFixed = (slot: number) => program[slot]?.kind === SLOT_KIND.fixed;
  return { inputs: slots.filter((slot) => !isFixed(slot)), tables: slots.filter(isFixed) };
}

/** The slots of the whole step that the slots of the hop's run are, but for its last. */
function placesOf({ inputs, tables, first, count }: HopShape): readonly number[] {
  return [...inputs, ...tables, ...Array.from({ length: count }, (_, i) => first + i)];
}

function slotsOf(program: readonly Slot[], first: number, count: number): readonly Slot[] {
  const slots = program.slice(first, first + count);
  if (first < 0 || count < 1 || slots.length !== count) {
    throw new RangeError(`The program has no ${count} slots from ${first} on.`);
  }
  return slots;
}

/** The program of the hop's run. Throws RangeError for a hop that reads or hands on what it lacks. */
export function hopProgram(program: readonly Slot[], shape: HopShape): readonly Slot[] {
  const { first, count, inputs, tables, outputs } = shape;
  const known = [...inputs, ...tables];
  const placeOf = (slot: number, before: number): number => {
    const given = known.indexOf(slot);
    if (given >= 0) return given;
    if (slot < first || slot >= before) {
      throw new RangeError(`Slot ${slot} is neither an input of the hop nor computed in it before.`);
    }
    return known.length + slot - first;
  };
  const computed = slotsOf(program, first, count).map((slot, i) => ({
    ...slot,
    inputs: slot.inputs.map((place) => placeOf(place, first + i)),
  }));
  if (outputs.length === 0) throw new RangeError('A hop hands on at least one tensor.');
  const composed = outputs.map((slot) => {
    if (slot < first || slot >= first + count) throw new RangeError(`The hop does not compute slot ${slot}.`);
    return known.length + slot - first;
  });
  return [
    ...inputs.map((_, place): Slot => ({ ...EMPTY, kind: SLOT_KIND.data, place })),
    ...tables.map((place) => tableAt(program, place)),
    ...computed,
    { ...EMPTY, kind: SLOT_KIND.compose, inputs: composed, names: outputs.slice(1).map(() => '0x' as const) },
  ];
}

function tableAt(program: readonly Slot[], place: number): Slot {
  const slot = program[place];
  if (slot?.kind === SLOT_KIND.fixed) return slot;
  throw new RangeError(`Slot ${place} is not fixed: it is an input of the hop.`);
}

/** The terms of a claim about the hop from inputs with these roots, in the order of `shape.inputs`. */
function hopTerms(slots: readonly Slot[], inputs: readonly Hex[]): Terms {
  return {
    program: toHex(merkleRoot(slots.map(slotLeaf))),
    data: HashTree.over(inputs).root,
    initial: NO_CHECKPOINT,
    steps: 1,
    slots: slots.length,
    dataSlots: inputs.length,
  };
}

/**
 * What a claim about a hop states as the checkpoint after its step: composed from the roots of the outputs,
 * of which the last is a leaf as it is. Throws RangeError for no outputs.
 */
export function hopResult(outputs: readonly Pick<SlotRoot, 'root'>[]): Hex {
  const last = outputs.at(-1);
  if (last === undefined) throw new RangeError('A hop hands on at least one tensor.');
  const leaves = outputs.slice(0, -1).map(({ root }) => hexLeafHash(root));
  return new HashTree([...leaves, last.root]).root;
}

/** The part of a step's trace that a hop is, as the trace of the hop's run. */
export function hopTrace(shape: HopShape, trace: StepTrace): StepTrace {
  const slots = placesOf(shape);
  const rootOf = (slot: number): Hex => {
    const root = trace.roots[slot];
    if (root === undefined) throw new RangeError(`The trace has no slot ${slot}.`);
    return root;
  };
  const placeOf = (slot: number): number => {
    const place = slots[slot];
    if (place === undefined) throw new RangeError(`The hop has no tensor in slot ${slot}.`);
    return place;
  };
  const after = hopResult(shape.outputs.map((slot) => ({ root: rootOf(slot) })));
  return {
    before: NO_CHECKPOINT,
    after,
    checkpointLeaves: [],
    roots: [...slots.map(rootOf), after],
    tensor: (slot) => trace.tensor(placeOf(slot)),
    accumulators: (slot, element) => trace.accumulators(placeOf(slot), element),
    needed: (slot, element, chunk) => trace.needed(placeOf(slot), element, chunk),
  };
}

/** What evidence for a hop is made from. */
export interface HopEvidenceOptions {
  /** The program of the whole step. */
  readonly program: readonly Slot[];
  readonly shape: HopShape;
  /** The trace of the hop's run, such as `hopTrace`. */
  readonly trace: StepTrace;
  /** For people: what each slot of the whole step is. */
  readonly slotNames: readonly string[];
}

/** The evidence for a claim about a hop: whoever computed the hop plays a game about it with this. */
export function hopEvidence({ program, shape, trace, slotNames }: HopEvidenceOptions): Evidence {
  const slots = hopProgram(program, shape);
  const dataRoots = trace.roots.slice(0, shape.inputs.length);
  return {
    terms: hopTerms(slots, dataRoots),
    program: slots,
    slotNames: [...placesOf(shape).map((slot) => slotNames[slot] ?? `slot ${slot}`), 'result'],
    dataRoots,
    stepRoots: async () => [trace.after],
    trace: async (step) => {
      if (step !== 0) throw new RangeError(`A hop is one step, not ${step + 1}.`);
      return trace;
    },
  };
}
