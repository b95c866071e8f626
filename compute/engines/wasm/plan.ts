/**
 * A program compiled for the wasm module: its steps, where addresses go in them, and where temporaries live.
 */
import { bitsOf } from '../../repops/arithmetic.ts';
import { elementBytes, elementCount, type Program, tensorOf } from '../../repops/program.ts';
import type { Argument } from './node-view.ts';
import { stepsOf } from './steps.ts';

export interface AddressSlot {
  /** Index in the plan's code of the argument that receives the address. */
  readonly index: number;
  /** Bytes added to the base. */
  readonly bytes: number;
}

/** An argument that takes the address of the prepacked copy of a bound tensor, or 0. */
export interface PrepackedSlot {
  readonly index: number;
  readonly tensor: string;
  /** What the copy must be of. */
  readonly N: number;
  readonly K: number;
}

export interface Plan {
  /** All steps one after another, each its opcode and its arguments, with the constants filled in. */
  readonly code: Int32Array;
  /** Index in `code` of each step's opcode. */
  readonly starts: readonly number[];
  /** Node of each step, for messages. */
  readonly nodes: readonly number[];
  /** Slots that take the address of a bound tensor. */
  readonly bound: ReadonlyMap<string, readonly AddressSlot[]>;
  readonly prepacked: readonly PrepackedSlot[];
  /** Bound tensors that the program writes. */
  readonly written: readonly string[];
  /** Slots that take an address in the arena. */
  readonly arena: readonly AddressSlot[];
  /** Bytes of temporaries and scratch. */
  readonly arenaBytes: number;
  /** Whether the steps are so short that several threads would mostly wait for each other. */
  readonly small: boolean;
}

const ALIGNMENT = 64;
/** Work of a step, in multiply-adds, that a second thread does not make faster: about 20 µs of one thread. */
const SMALL_STEP = 200_000;
/** Work that counts for each element of a result, in multiply-adds. */
const WORK_PER_ELEMENT = 16;

/** Compiles a validated program for `threads` threads. */
export function compilePlan(program: Program, threads: number): Plan {
  const { offsets, bytes: temporaryBytes } = placeTemporaries(program);
  const code: number[] = [];
  const starts: number[] = [];
  const nodes: number[] = [];
  const bound = new Map<string, AddressSlot[]>();
  const arena: AddressSlot[] = [];
  const prepacked: PrepackedSlot[] = [];
  const isBound = (name: string): boolean => tensorOf(program, name).storage === 'bound';
  let scratchBytes = 0;

  const put = (argument: Argument): void => {
    const index = code.length;
    if (typeof argument === 'number') {
      code.push(argument);
      return;
    }
    if ('f32' in argument) {
      code.push(bitsOf(argument.f32));
      return;
    }
    code.push(0);
    if ('prepacked' in argument) {
      const { prepacked: tensor, N, K } = argument;
      if (isBound(tensor)) prepacked.push({ index, tensor, N, K });
      return;
    }
    if ('scratch' in argument) {
      arena.push({ index, bytes: temporaryBytes + argument.scratch });
      return;
    }
    const offset = offsets.get(argument.tensor);
    if (offset !== undefined) {
      arena.push({ index, bytes: offset + argument.bytes });
      return;
    }
    const slots = bound.get(argument.tensor) ?? [];
    slots.push({ index, bytes: argument.bytes });
    bound.set(argument.tensor, slots);
  };

  for (const [index, node] of program.nodes.entries()) {
    const compiled = stepsOf(node, program, threads);
    scratchBytes = Math.max(scratchBytes, compiled.scratchBytes);
    for (const step of compiled.steps) {
      starts.push(code.length);
      nodes.push(index);
      code.push(step.opcode);
      for (const argument of step.args) put(argument);
    }
  }
  return {
    code: Int32Array.from(code),
    starts,
    nodes,
    bound,
    prepacked,
    written: [...new Set(program.nodes.flatMap(({ outputs }) => outputs.filter(isBound)))],
    arena,
    arenaBytes: temporaryBytes + scratchBytes,
    small: workOf(program) < SMALL_STEP * starts.length,
  };
}

/** Estimated work of a program, in multiply-adds. */
function workOf(program: Program): number {
  let work = 0;
  for (const { op, attributes, outputs } of program.nodes) {
    // An operator without one of these sizes does no such work.
    const { M = 0, N = 0, K = 0, B = 0, Tq = 0, Tk = 0, heads = 0, headDim = 0 } = attributes;
    if (op === 'matmul') work += M * N * K;
    if (op.startsWith('attention')) work += 2 * B * Tq * Tk * heads * headDim;
    for (const name of outputs) work += WORK_PER_ELEMENT * elementCount(tensorOf(program, name).shape);
  }
  return work;
}

interface Placement {
  readonly offset: number;
  readonly bytes: number;
  readonly lastNode: number;
}

/**
 * Gives each temporary an arena offset such that two that live at the same time do not overlap: lowest gap
 * first.
 */
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
      const spec = tensorOf(program, name);
      if (spec.storage === 'bound' || offsets.has(name)) continue;
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
