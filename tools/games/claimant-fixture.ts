/** What one party computed of a job, by the reference engine: the truth, or numbers that differ from it in one place. */
import { concat, type Hex } from 'viem';
import { bytesOf } from '../../audit/encode-program.ts';
import { foldAccumulators, foldTotal } from '../../audit/folds.ts';
import { neededLeaves } from '../../audit/operand-reads.ts';
import { claimTree, programTree, tensorTree } from '../../chain/disputes/trees.ts';
import type { Engine } from '../../compute/engines/engine.ts';
import { runOperator } from '../../compute/engines/run-program.ts';
import { operatorProgram } from '../../compute/repops/operator-program.ts';
import type { Evidence, StepTrace } from '../../protocol/evidence.ts';
import { HashTree, hexLeafHash } from '../../protocol/hash-tree.ts';
import { Draws } from './draws.ts';
import { type Job, lengthOf, metadataAfter, type Step } from './job.ts';

type Words = Float32Array | Uint32Array;

/** One place where a party's numbers are others: a word of a tensor, or a root that has no words. */
export interface Lie {
  readonly step: number;
  readonly slot: number;
  readonly element: number;
  readonly mask: number;
  /** The later slots of the step stay as they are, and only its root is another. */
  readonly alone?: boolean;
  /** Nothing was computed in that step: the checkpoint after it is the one before. */
  readonly skipped?: boolean;
}

export interface Party extends Evidence {
  readonly root: Hex;
}

interface Trace extends StepTrace {
  readonly words: readonly (Words | undefined)[];
}

/** Computes a job from its seed, with a lie or without. */
export async function partyOf(job: Job, seed: number, engine: Engine, lie?: Lie): Promise<Party> {
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
    const here = lie?.step === step ? lie : undefined;
    const words = await computed(job, engine, given, state, step, here);
    const trace = traceOf({ job, words, state, before, step, ...(here === undefined ? {} : { lie: here }) });
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
      ...{ steps: job.steps, slots: program.length, dataSlots: job.data.length },
    },
    ...{ program, dataRoots, slotNames: program.map((_, i) => `slot ${i}`) },
    root: claimTree(roots).root,
    stepRoots: () => Promise.resolve(roots),
    trace: (step) => Promise.resolve(at(traces, step)),
  };
}

interface Given {
  readonly state: ReadonlyMap<number, Words>;
  readonly fixed: ReadonlyMap<number, Words>;
  data(step: number): ReadonlyMap<number, Words>;
}

function givenOf(job: Job, seed: number): Given {
  const words = (slot: number, salt: number): Words => {
    const { tensor } = at(job.slots, slot);
    const draws = new Draws(seed * 1009 + slot * 97 + salt);
    const length = lengthOf(tensor);
    const bits = Uint32Array.from({ length }, () =>
      tensor?.dtype === 'u32' ? draws.below(job.vocabulary) : draws.float(),
    );
    return tensor?.dtype === 'u32' ? bits : new Float32Array(bits.buffer);
  };
  const all = (slots: readonly number[], salt: number): Map<number, Words> =>
    new Map(slots.filter((slot) => at(job.slots, slot).tensor).map((slot) => [slot, words(slot, salt)]));
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
  lie: Lie | undefined,
): Promise<(Words | undefined)[]> {
  const words: (Words | undefined)[] = job.slots.map(() => undefined);
  const truth: (Words | undefined)[] = [];
  const put = (slot: number, value: Words): void => {
    const own = value.slice();
    if (lie?.slot === slot && lie.skipped !== true) {
      const bits = new Uint32Array(own.buffer, own.byteOffset, own.length);
      const element = lie.element % own.length;
      const word = bits[element] ?? 0;
      // An engine takes only ids that there are.
      const ids = at(job.slots, slot).tensor?.dtype === 'u32';
      bits[element] = ids ? (word + 1) % job.vocabulary : (word ^ lie.mask) >>> 0;
    }
    words[slot] = own;
    truth[slot] = value;
  };
  for (const [i, { before }] of job.state.entries()) put(before, at(state, i));
  for (const [slot, value] of [...given.fixed, ...given.data(step)]) put(slot, value);
  for (const node of job.nodes) {
    const from = lie?.alone === true ? truth : words;
    const inputs = node.inputs.map((slot) => from[slot] ?? new Float32Array());
    const outputs = await applied(engine, node, inputs);
    for (const [i, slot] of node.outputs.entries()) put(slot, at(outputs, i));
  }
  return words;
}

/** One operator by the engine. */
async function applied(engine: Engine, node: Step, inputs: readonly Words[]): Promise<Words[]> {
  const outputs = await runOperator(engine, operatorProgram(node.op, node.attributes), inputs);
  return outputs.filter((data) => data instanceof Float32Array || data instanceof Uint32Array);
}

function checkpointLeaves(job: Job, state: readonly Words[], step: number): Hex[] {
  const leaves = job.state.map(({ prefix }, i) =>
    hexLeafHash(concat([prefix, tensorTree(bytesOf(at(state, i))).root])),
  );
  return [...leaves, metadataAfter(step)];
}

interface TraceOptions {
  readonly job: Job;
  readonly words: readonly (Words | undefined)[];
  readonly state: readonly Words[];
  readonly before: Hex;
  readonly step: number;
  readonly lie?: Lie;
}

function traceOf({ job, words, state, before, step, lie }: TraceOptions): Trace {
  const roots: Hex[] = words.map((each) => (each === undefined ? '0x' : tensorTree(bytesOf(each)).root));
  roots[job.metadata] = metadataAfter(step + 1);
  if (lie?.slot === job.metadata) roots[job.metadata] = hexLeafHash(at(roots, job.metadata));
  const last = job.slots.length - 1;
  const after = job.state.map(({ after: slot, prefix }) => hexLeafHash(concat([prefix, at(roots, slot)])));
  const root = new HashTree([...after, at(roots, job.metadata)]).root;
  roots[last] = lie?.skipped === true ? before : root;
  if (lie !== undefined && (lie.slot === last || lie.alone === true)) roots[last] = hexLeafHash(root);
  const callOf = (slot: number) => ({
    node: at(job.slots, slot).node,
    inputs: at(job.slots, slot).inputs.map((input) => words[input] ?? new Float32Array()),
  });
  const bitsAt = (slot: number, element: number): number => {
    const own = words[slot] ?? new Float32Array();
    return new Uint32Array(own.buffer, own.byteOffset, own.length)[element] ?? 0;
  };
  return {
    ...{ before, after: at(roots, last), roots, words },
    checkpointLeaves: checkpointLeaves(job, state, step),
    tensor: (slot) => Promise.resolve(bytesOf(words[slot] ?? new Float32Array())),
    accumulators(slot, element) {
      const { node } = at(job.slots, slot);
      const sums = foldAccumulators(callOf(slot), element);
      const claimed = bitsAt(slot, element);
      // Whoever lies about a sum has to post parts of it that come to the lie.
      if (foldTotal(node.op, sums) !== claimed)
        return Promise.resolve(sums.map((_, i) => (i === 0 ? claimed : 0)));
      return Promise.resolve(sums);
    },
    needed: (slot, element, chunk) => Promise.resolve(neededLeaves(callOf(slot), element, chunk)),
  };
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new RangeError(`There is no entry ${index} of ${list.length}.`);
  return found;
}
