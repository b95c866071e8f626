/**
 * A job as one device computed it with the reference engine: the truth, or numbers that differ from it in one
 * place.
 */
import { concat, type Hex } from 'viem';
import { bytesOf } from '../../audit/encode-program.ts';
import { foldAccumulators, foldTotal } from '../../audit/folds.ts';
import { neededLeaves } from '../../audit/operand-reads.ts';
import { type Fault, flipBits, forgedAccumulators } from '../../chain/disputes/testing/fault.ts';
import { claimTree, programTree, tensorTree } from '../../chain/disputes/trees.ts';
import type { Engine } from '../../compute/engines/engine.ts';
import { runOperator } from '../../compute/engines/run-program.ts';
import { operatorProgram } from '../../compute/repops/operator-program.ts';
import type { Evidence, StepTrace } from '../../protocol/evidence.ts';
import { HashTree, hexLeafHash } from '../../protocol/hash-tree.ts';
import { must } from '../../protocol/must.ts';
import { Draws } from './draws.ts';
import { type Job, lengthOf, metadataAfter, type Step } from './job.ts';

type Words = Float32Array | Uint32Array;

/** A fault in a job. In a tensor of ids, the word becomes the next id: an engine takes no others. */
export interface JobFault extends Required<Fault> {
  /** The later slots of the step are computed from the truth, and only the step's root is another. */
  readonly alone?: boolean;
  /** The step was left out: the checkpoint after it is the one before it. */
  readonly skipped?: boolean;
}

/** What a claimant claims and shows. */
export interface ClaimantFixture extends Evidence {
  /** The root to claim. */
  readonly root: Hex;
}

interface Trace extends StepTrace {
  readonly words: readonly (Words | undefined)[];
}

/** Computes a job from its seed, with a fault or without. */
export async function computeFixture(
  job: Job,
  seed: number,
  engine: Engine,
  fault?: JobFault,
): Promise<ClaimantFixture> {
  const given = givenOf(job, seed);
  const program = job.slots.map(({ tensor, ...slot }, i) => {
    const root = given.fixed.get(i);
    return root === undefined ? slot : { ...slot, name: tensorTree(bytesOf(root)).root };
  });
  const dataRoots = Array.from({ length: job.steps }, (_, step) =>
    job.data.map((slot) => {
      const words = given.data(step).get(slot);
      return words === undefined ? metadataAfter(step + 1) : tensorTree(bytesOf(words)).root;
    }),
  ).flat();
  let state: readonly Words[] = job.state.map(({ before }) => given.state.get(before) ?? new Float32Array());
  const initial = checkpointLeaves(job, state, 0);
  let before = new HashTree(initial).root;
  const traces: Trace[] = [];
  for (let step = 0; step < job.steps; step++) {
    const here = fault?.step === step ? fault : undefined;
    const words = await computed(job, engine, given, state, step, here);
    const trace = traceOf({ job, words, state, before, step, fault: here });
    traces.push(trace);
    before = trace.after;
    if (here?.skipped !== true) state = job.state.map(({ after }) => words[after] ?? new Float32Array());
  }
  const roots = traces.map(({ after }) => after);
  return {
    terms: {
      program: programTree(program).root,
      data: HashTree.over(dataRoots).root,
      initial: new HashTree(initial).root,
      steps: job.steps,
      slots: program.length,
      dataSlots: job.data.length,
    },
    program,
    dataRoots,
    slotNames: program.map((_, i) => `slot ${i}`),
    root: claimTree(roots).root,
    stepRoots: () => Promise.resolve(roots),
    trace: (step) => Promise.resolve(must(traces, step)),
  };
}

interface Given {
  readonly state: ReadonlyMap<number, Words>;
  readonly fixed: ReadonlyMap<number, Words>;
  data(step: number): ReadonlyMap<number, Words>;
}

function givenOf(job: Job, seed: number): Given {
  const words = (slot: number, salt: number): Words => {
    const { tensor } = must(job.slots, slot);
    const draws = new Draws(seed * 1009 + slot * 97 + salt);
    const length = lengthOf(tensor);
    const bits = Uint32Array.from({ length }, () =>
      tensor?.dtype === 'u32' ? draws.below(job.vocabulary) : draws.float(),
    );
    return tensor?.dtype === 'u32' ? bits : new Float32Array(bits.buffer);
  };
  const all = (slots: readonly number[], salt: number): Map<number, Words> =>
    new Map(slots.filter((slot) => must(job.slots, slot).tensor).map((slot) => [slot, words(slot, salt)]));
  return {
    state: all(
      job.state.map(({ before }) => before),
      1,
    ),
    fixed: all(job.fixed, 2),
    data: (step) => all(job.data, 3 + step),
  };
}

async function computed(
  job: Job,
  engine: Engine,
  given: Given,
  state: readonly Words[],
  step: number,
  fault: JobFault | undefined,
): Promise<(Words | undefined)[]> {
  const words: (Words | undefined)[] = job.slots.map(() => undefined);
  const truth: (Words | undefined)[] = [];
  const put = (slot: number, value: Words): void => {
    const own = value.slice();
    if (fault?.slot === slot && fault.skipped !== true) {
      const element = fault.element % own.length;
      if (must(job.slots, slot).tensor?.dtype === 'u32')
        own[element] = (must(own, element) + 1) % job.vocabulary;
      else flipBits(new Uint8Array(own.buffer, own.byteOffset, own.byteLength), element, fault.mask);
    }
    words[slot] = own;
    truth[slot] = value;
  };
  for (const [i, { before }] of job.state.entries()) put(before, must(state, i));
  for (const [slot, value] of [...given.fixed, ...given.data(step)]) put(slot, value);
  for (const node of job.nodes) {
    const from = fault?.alone === true ? truth : words;
    const inputs = node.inputs.map((slot) => from[slot] ?? new Float32Array());
    const outputs = await applied(engine, node, inputs);
    for (const [i, slot] of node.outputs.entries()) put(slot, must(outputs, i));
  }
  return words;
}

/** The outputs of one operator, computed by the engine. */
async function applied(engine: Engine, node: Step, inputs: readonly Words[]): Promise<Words[]> {
  const outputs = await runOperator(engine, operatorProgram(node.op, node.attributes), inputs);
  return outputs.filter((data) => data instanceof Float32Array || data instanceof Uint32Array);
}

function checkpointLeaves(job: Job, state: readonly Words[], step: number): Hex[] {
  const leaves = job.state.map(({ prefix }, i) =>
    hexLeafHash(concat([prefix, tensorTree(bytesOf(must(state, i))).root])),
  );
  return [...leaves, metadataAfter(step)];
}

interface TraceOptions {
  readonly job: Job;
  readonly words: readonly (Words | undefined)[];
  readonly state: readonly Words[];
  readonly before: Hex;
  readonly step: number;
  readonly fault?: JobFault;
}

function traceOf({ job, words, state, before, step, fault }: TraceOptions): Trace {
  const roots: Hex[] = words.map((each) => (each === undefined ? '0x' : tensorTree(bytesOf(each)).root));
  roots[job.metadata] = metadataAfter(step + 1);
  if (fault?.slot === job.metadata) roots[job.metadata] = hexLeafHash(must(roots, job.metadata));
  const last = job.slots.length - 1;
  const after = job.state.map(({ after: slot, prefix }) => hexLeafHash(concat([prefix, must(roots, slot)])));
  const root = new HashTree([...after, must(roots, job.metadata)]).root;
  roots[last] = fault?.skipped === true ? before : root;
  if (fault !== undefined && (fault.slot === last || fault.alone === true)) roots[last] = hexLeafHash(root);
  const callOf = (slot: number) => ({
    node: must(job.slots, slot).node,
    inputs: must(job.slots, slot).inputs.map((input) => words[input] ?? new Float32Array()),
  });
  const bitsAt = (slot: number, element: number): number => {
    const own = words[slot] ?? new Float32Array();
    return new Uint32Array(own.buffer, own.byteOffset, own.length)[element] ?? 0;
  };
  return {
    before,
    after: must(roots, last),
    roots,
    words,
    checkpointLeaves: checkpointLeaves(job, state, step),
    tensor: (slot) => Promise.resolve(bytesOf(words[slot] ?? new Float32Array())),
    accumulators(slot, element) {
      const { node } = must(job.slots, slot);
      const sums = foldAccumulators(callOf(slot), element);
      const claimed = bitsAt(slot, element);
      const honest = foldTotal(node.op, sums) === claimed;
      return Promise.resolve(honest ? sums : forgedAccumulators(sums.length, claimed));
    },
    needed: (slot, element, chunk) => Promise.resolve(neededLeaves(callOf(slot), element, chunk)),
  };
}
