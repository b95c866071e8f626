/**
 * A small training run as one device computed it, for tests: w' = (w + x) |w + x|^2 t, step by step. It has
 * every kind of slot, a fold, and tensors of two leaves, like the run in
 * contracts/test/disputes/SampleRun.sol.
 */
import { concat, type Hex, keccak256, stringToHex } from 'viem';
import {
  type Evidence,
  SLOT_KIND,
  type Slot,
  type SlotKind,
  type StepTrace,
} from '../../../protocol/evidence.ts';
import { HashTree, hexLeafHash, hexNodeHash } from '../../../protocol/hash-tree.ts';
import { OPERATOR_NAMES } from '../operator-names.ts';
import { WORDS_A_LEAF } from '../port.ts';
import { programTree, tensorTree } from '../trees.ts';
import { type Fault, flipBits, forgedAccumulators } from './fault.ts';

/** Elements of w. Its tensor has two leaves, the second of them short. */
export const LENGTH = 1030;

export const SLOT = { w: 0, x: 1, t: 2, meta: 3, sum: 4, norm: 5, next: 6, last: 7 } as const;

const NAMES = ['w', 'x', 't', 'metadata', 'sum', 'norm', 'w after', 'checkpoint root'];
const OP = {
  add: OPERATOR_NAMES.indexOf('add'),
  rmsApply: OPERATOR_NAMES.indexOf('rms.apply'),
  normSquare: OPERATOR_NAMES.indexOf('norm.square'),
} as const;
/** Elements of a chunk of `norm.square`. */
const BLOCK = 64;
/** What a checkpoint's leaf has before the root of w. */
const PREFIX: Hex = '0x770046333206040000';

export interface SampleRunOptions {
  /** Defaults to 3. */
  readonly steps?: number;
  readonly fault?: Fault;
  /** A step that was left out: the checkpoint after it is the one before it. */
  readonly skip?: number;
}

/** The evidence of a device. Without a fault and a skipped step it is the honest one. */
export function sampleRun({ steps = 3, fault, skip }: SampleRunOptions = {}): Evidence {
  const dataRoots = Array.from({ length: steps }, (_, i) => [rootOf(noise('x', i)), metadata(i + 1)]).flat();
  const program = programOf();
  const traces: Trace[] = [];
  let w = noise('w', 0);
  let before = checkpoint(rootOf(w), metadata(0));
  const initial = before;
  for (let step = 0; step < steps; step++) {
    const trace = computed(step, w, before, fault?.step === step ? fault : undefined, skip === step);
    traces.push(trace);
    if (skip !== step) w = trace.tensors[SLOT.next] ?? w;
    before = trace.after;
  }
  return {
    terms: {
      program: programTree(program).root,
      data: HashTree.over(dataRoots).root,
      initial,
      steps,
      slots: program.length,
      dataSlots: 2,
    },
    program,
    slotNames: NAMES,
    dataRoots,
    stepRoots: () => Promise.resolve(traces.map(({ after }) => after)),
    trace: (step) => {
      const trace = traces[step];
      return trace === undefined ? Promise.reject(new RangeError(`no step ${step}`)) : Promise.resolve(trace);
    },
  };
}

interface Trace extends StepTrace {
  readonly tensors: readonly (Uint8Array | undefined)[];
}

function computed(
  step: number,
  w: Uint8Array,
  before: Hex,
  fault: Fault | undefined,
  skipped: boolean,
): Trace {
  const tensors: (Uint8Array | undefined)[] = [];
  const roots: Hex[] = [];
  const put = (slot: number, tensor: Uint8Array | undefined, root: Hex = rootOf(tensor ?? EMPTY)): void => {
    const faulty = fault?.slot === slot;
    if (tensor !== undefined) {
      const own = Uint8Array.from(tensor);
      if (faulty) flipBits(own, fault.element ?? 0, fault.mask ?? 1);
      tensors[slot] = own;
      roots[slot] = rootOf(own);
    } else roots[slot] = faulty ? hexLeafHash(root) : root;
  };
  const words = (slot: number): Float32Array => floats(tensors[slot] ?? EMPTY);
  put(SLOT.w, w);
  put(SLOT.x, noise('x', step));
  put(SLOT.t, noise('t', 0, 100));
  put(SLOT.meta, undefined, metadata(step + 1));
  put(SLOT.sum, bytesOf(words(SLOT.w).map((each, i) => each + (words(SLOT.x)[i] ?? 0))));
  put(SLOT.norm, bytesOf(Float32Array.of(total(blockSums(words(SLOT.sum))))));
  const scaled = words(SLOT.sum).map((each) => each * (words(SLOT.norm)[0] ?? 0));
  put(SLOT.next, bytesOf(scaled.map((each, i) => each * (words(SLOT.t)[i] ?? 0))));
  const after = checkpoint(roots[SLOT.next] ?? '0x', roots[SLOT.meta] ?? '0x');
  put(SLOT.last, undefined, skipped ? before : after);
  const root = roots[SLOT.last] ?? '0x';
  return {
    before,
    after: root,
    roots,
    tensors,
    checkpointLeaves: [hexLeafHash(concat([PREFIX, rootOf(w)])), metadata(step)],
    tensor: (slot) => {
      const data = tensors[slot];
      return data === undefined ? Promise.reject(new RangeError(`no tensor ${slot}`)) : Promise.resolve(data);
    },
    accumulators: (slot) => {
      const sums = Array.from(bitsOf(blockSums(words(SLOT.sum))));
      const [norm = 0] = bitsOf(words(SLOT.norm));
      return Promise.resolve(fault?.slot === slot ? forgedAccumulators(sums.length, norm) : sums);
    },
    needed: (slot, element, chunk) => {
      const leaf = Math.floor((chunk === undefined ? element : chunk * BLOCK) / WORDS_A_LEAF);
      if (slot === SLOT.norm) return Promise.resolve([{ input: 0, leaf }]);
      const first = [{ input: 0, leaf }];
      if (slot === SLOT.sum) return Promise.resolve([...first, { input: 1, leaf }]);
      return Promise.resolve([...first, { input: 1, leaf: 0 }, { input: 2, leaf }]);
    },
  };
}

function programOf(): Slot[] {
  const program = NAMES.map(() => slotOf(SLOT_KIND.data));
  program[SLOT.w] = { ...slotOf(SLOT_KIND.state), count: 2, name: PREFIX };
  program[SLOT.t] = { ...slotOf(SLOT_KIND.fixed), name: rootOf(noise('t', 0, 100)) };
  program[SLOT.meta] = { ...slotOf(SLOT_KIND.data), place: 1 };
  program[SLOT.sum] = output(OP.add, LENGTH, [LENGTH], [SLOT.w, SLOT.x], [LENGTH, LENGTH]);
  program[SLOT.norm] = output(OP.normSquare, 1, [LENGTH], [SLOT.sum], [LENGTH]);
  const inputs = [SLOT.sum, SLOT.norm, SLOT.t];
  program[SLOT.next] = output(OP.rmsApply, LENGTH, [1, LENGTH], inputs, [LENGTH, 1, LENGTH]);
  program[SLOT.last] = { ...slotOf(SLOT_KIND.compose), inputs: [SLOT.next, SLOT.meta], names: [PREFIX] };
  return program;
}

function slotOf(kind: SlotKind): Slot {
  const node = { op: 0, output: 0, length: 0, attributes: [], lengths: [] };
  return { kind, place: 0, count: 0, name: '0x', node, inputs: [], names: [] };
}

function output(
  op: number,
  length: number,
  attributes: readonly number[],
  inputs: readonly number[],
  lengths: readonly number[],
): Slot {
  return { ...slotOf(SLOT_KIND.output), node: { op, output: 0, length, attributes, lengths }, inputs };
}

const EMPTY = new Uint8Array();

function rootOf(data: Uint8Array): Hex {
  return tensorTree(data).root;
}

function metadata(step: number): Hex {
  return hexLeafHash(stringToHex(`step ${step}`));
}

function checkpoint(w: Hex, meta: Hex): Hex {
  return hexNodeHash(hexLeafHash(concat([PREFIX, w])), meta);
}

/** Values of either sign with eight exponents from `exponent` on. The same for everyone. */
function noise(what: string, seed: number, exponent = 120): Uint8Array {
  const words = new Uint32Array(LENGTH);
  for (let i = 0; i < LENGTH; i++) {
    const draw = Number.parseInt(keccak256(stringToHex(`${what} ${seed} ${i}`)).slice(2, 10), 16);
    words[i] = (draw & 0x807fffff) | ((exponent + ((draw >>> 23) & 7)) << 23);
  }
  return new Uint8Array(words.buffer);
}

/** One sum of squares for each 64 elements, as the judge's chunks are. */
function blockSums(x: Float32Array): Float32Array {
  const sums = new Float32Array(Math.ceil(x.length / BLOCK));
  for (const [i, each] of x.entries()) {
    const block = Math.floor(i / BLOCK);
    sums[block] = (sums[block] ?? 0) + Math.fround(each * each);
  }
  return sums;
}

function total(sums: Float32Array): number {
  return sums.reduce((sum, each) => Math.fround(sum + each), 0);
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

function floats(data: Uint8Array): Float32Array {
  return new Float32Array(Uint8Array.from(data).buffer);
}

/** The bytes of canonical values (no -0). Little-endian, as the machines that run these tests are. */
function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.map((each) => (each === 0 ? 0 : each)).buffer);
}
