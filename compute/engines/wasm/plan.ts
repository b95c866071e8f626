/** A program compiled for the wasm module: step words, where addresses go in them, and where temporaries live. */
import { elementBytes, elementCount, type Program } from '../../repops/program.ts';
import { stepsOf, type Word } from './steps.ts';

export interface AddressSlot {
  /** Index of the word that receives the address. */
  readonly word: number;
  /** Bytes added to the base. */
  readonly bytes: number;
}

export interface Plan {
  /** All steps' words one after another, constants filled in. */
  readonly words: Int32Array;
  /** Index in `words` of each step's first word. */
  readonly starts: readonly number[];
  /** Node of each step, for messages. */
  readonly nodes: readonly number[];
  /** Slots that take the address of a bound tensor. */
  readonly bound: ReadonlyMap<string, readonly AddressSlot[]>;
  /** Slots that take an address in the arena. */
  readonly arena: readonly AddressSlot[];
  /** Bytes of temporaries and scratch. */
  readonly arenaBytes: number;
  /** Whether steps are so short that several threads would mostly wait for one another. */
  readonly small: boolean;
}

const ALIGNMENT = 64;
/** Multiply-adds, and as many for each element of a result, in a step that a second thread makes no faster: some 20 µs of one thread. */
const SMALL_STEP = 200_000;
const WORK_PER_ELEMENT = 16;

/** Compiles a validated program for a team of `threads`. */
export function compilePlan(program: Program, threads: number): Plan {
  const { offsets, bytes: temporaryBytes } = placeTemporaries(program);
  const words: number[] = [];
  const starts: number[] = [];
  const nodes: number[] = [];
  const bound = new Map<string, AddressSlot[]>();
  const arena: AddressSlot[] = [];
  let scratchBytes = 0;

  const put = (word: Word): void => {
    const index = words.length;
    if (typeof word === 'number') {
      words.push(word);
      return;
    }
    if ('f32' in word) {
      words.push(f32Bits(word.f32));
      return;
    }
    words.push(0);
    if ('scratch' in word) {
      arena.push({ word: index, bytes: temporaryBytes + word.scratch });
      return;
    }
    const offset = offsets.get(word.tensor);
    if (offset !== undefined) {
      arena.push({ word: index, bytes: offset + word.bytes });
      return;
    }
    const slots = bound.get(word.tensor) ?? [];
    slots.push({ word: index, bytes: word.bytes });
    bound.set(word.tensor, slots);
  };

  for (const [index, node] of program.nodes.entries()) {
    const compiled = stepsOf(node, threads, (name) => program.tensors[name]?.dtype);
    scratchBytes = Math.max(scratchBytes, compiled.scratchBytes);
    for (const step of compiled.steps) {
      starts.push(words.length);
      nodes.push(index);
      words.push(step.opcode);
      for (const word of step.words) put(word);
    }
  }
  return {
    words: Int32Array.from(words),
    starts,
    nodes,
    bound,
    arena,
    arenaBytes: temporaryBytes + scratchBytes,
    small: workOf(program) < SMALL_STEP * starts.length,
  };
}

/** Roughly what a program has to do, in multiply-adds. */
function workOf(program: Program): number {
  let work = 0;
  for (const { op, attributes, outputs } of program.nodes) {
    const { M = 0, N = 0, K = 0, B = 0, Tq = 0, Tk = 0, heads = 0, headDim = 0 } = attributes;
    if (op === 'matmul') work += M * N * K;
    if (op.startsWith('attention')) work += 2 * B * Tq * Tk * heads * headDim;
    for (const name of outputs) work += WORK_PER_ELEMENT * elementCount(program.tensors[name]?.shape ?? []);
  }
  return work;
}

function f32Bits(value: number): number {
  return new Int32Array(Float32Array.of(value).buffer)[0] ?? 0;
}

interface Placement {
  readonly offset: number;
  readonly bytes: number;
  readonly lastNode: number;
}

/** Gives each temporary an arena offset such that two that live at the same time do not overlap: lowest gap first. */
function placeTemporaries(program: Program): { offsets: Map<string, number>; bytes: number } {
  const lastUse = new Map<string, number>();
  for (const [index, node] of program.nodes.entries()) {
    for (const name of [...node.inputs, ...node.outputs]) lastUse.set(name, index);
  }
  const offsets = new Map<string, number>();
  let live: Placement[] = [];
  let bytes = 0;
  for (const [index, node] of program.nodes.entries()) {
    live = live.filter((placement) => placement.lastNode >= index);
    for (const name of node.outputs) {
      const spec = program.tensors[name];
      if (spec === undefined || spec.storage === 'bound' || offsets.has(name)) continue;
      const size = Math.ceil((elementBytes(spec.dtype) * elementCount(spec.shape)) / ALIGNMENT) * ALIGNMENT;
      const offset = lowestGap(live, size);
      offsets.set(name, offset);
      live.push({ offset, bytes: size, lastNode: lastUse.get(name) ?? index });
      live.sort((a, b) => a.offset - b.offset);
      bytes = Math.max(bytes, offset + size);
    }
  }
  return { offsets, bytes };
}

/** First offset where `size` bytes fit between the placements, which are sorted by offset. */
function lowestGap(live: readonly Placement[], size: number): number {
  let offset = 0;
  for (const placement of live) {
    if (placement.offset - offset >= size) return offset;
    offset = Math.max(offset, placement.offset + placement.bytes);
  }
  return offset;
}
