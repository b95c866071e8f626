/**
 * A small random training job: the entries of a step's trace, as slots for the contract and as nodes for an
 * engine. Every job has parameters, data of each step, tables, sums that fold, and an update. What lies
 * between is drawn.
 */
import type { Hex } from 'viem';
import { stringToHex } from 'viem';
import { judgeNumber } from '../../audit/encode-program.ts';
import { attributeWords } from '../../compute/repops/attributes.ts';
import type { OperatorName } from '../../compute/repops/operators.ts';
import type { DType } from '../../compute/repops/program.ts';
import { SLOT_KIND, type Slot, type SlotNode } from '../../protocol/evidence.ts';
import { hexLeafHash } from '../../protocol/hash-tree.ts';
import type { Draws } from './draws.ts';

export interface Shape {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** One application of an operator. Its outputs are consecutive slots. */
export interface Step {
  readonly op: OperatorName;
  readonly attributes: Readonly<Record<string, number>>;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

export interface Job {
  readonly steps: number;
  readonly slots: readonly (Slot & { readonly tensor?: Shape })[];
  readonly nodes: readonly Step[];
  /**
   * The slots of state tensors in the order of the checkpoint, and the slots of their values after the step.
   */
  readonly state: readonly { readonly before: number; readonly after: number; readonly prefix: Hex }[];
  readonly data: readonly number[];
  readonly fixed: readonly number[];
  readonly metadata: number;
  /** Words of u32 tensors are ids below this number. */
  readonly vocabulary: number;
}

const NO_NODE: SlotNode = { op: 0, output: 0, length: 0, attributes: [], lengths: [] };
const EMPTY: Slot = {
  kind: SLOT_KIND.data,
  place: 0,
  count: 0,
  name: '0x',
  node: NO_NODE,
  inputs: [],
  names: [],
};

export function lengthOf(tensor: Shape | undefined): number {
  return tensor?.shape.reduce((product, size) => product * size, 1) ?? 0;
}

class JobDraft {
  readonly slots: (Slot & { tensor?: Shape })[] = [];
  readonly nodes: Step[] = [];
  readonly data: number[] = [];
  readonly fixed: number[] = [];
  readonly #state: number[] = [];

  given(kind: 'state' | 'data' | 'fixed', shape: readonly number[], dtype: DType = 'f32'): number {
    const slot = this.slots.length;
    if (kind === 'data') this.data.push(slot);
    if (kind === 'fixed') this.fixed.push(slot);
    if (kind === 'state') this.#state.push(slot);
    const place = { state: this.#state, data: this.data, fixed: this.fixed }[kind].length - 1;
    this.slots.push({ ...EMPTY, kind: SLOT_KIND[kind], place, tensor: { shape, dtype } });
    return slot;
  }

  /** Output slots of an operator. */
  run(
    op: OperatorName,
    attributes: Readonly<Record<string, number>>,
    inputs: readonly number[],
    outputs: readonly (readonly number[])[],
  ): number[] {
    const lengths = inputs.map((input) => lengthOf(this.slots[input]?.tensor));
    const judged = attributeWords({ op, attributes });
    const made = outputs.map((shape, output) => {
      const tensor: Shape = { shape, dtype: 'f32' };
      const node = { op: judgeNumber(op), output, length: lengthOf(tensor), attributes: judged, lengths };
      this.slots.push({ ...EMPTY, kind: SLOT_KIND.output, inputs, node, tensor });
      return this.slots.length - 1;
    });
    this.nodes.push({ op, attributes, inputs, outputs: made });
    return made;
  }

  one(op: OperatorName, attributes: Record<string, number>, inputs: number[], shape: number[]): number {
    return this.run(op, attributes, inputs, [shape])[0] ?? 0;
  }

  /**
   * The whole job: names the checkpoint leaves of the state's slots and adds the slot that composes the root.
   */
  finish(after: readonly number[], steps: number, vocabulary: number): Job {
    const metadata = this.slots.length;
    this.slots.push({ ...EMPTY, place: this.data.length });
    this.data.push(metadata);
    const state = this.#state.map((before, i) => ({
      before,
      after: after[i] ?? before,
      prefix: stringToHex(`tensor ${i}\0`),
    }));
    for (const { before, prefix } of state) {
      const slot = this.slots[before];
      if (slot !== undefined) this.slots[before] = { ...slot, count: state.length + 1, name: prefix };
    }
    this.slots.push({
      ...EMPTY,
      kind: SLOT_KIND.compose,
      inputs: [...state.map((each) => each.after), metadata],
      names: state.map(({ prefix }) => prefix),
    });
    const { slots, nodes, data, fixed } = this;
    return { steps, slots, nodes, state, data, fixed, metadata, vocabulary };
  }
}

/** A job drawn at random: 1 to 18 steps, mostly with tensors of one leaf, and folds of one to four chunks. */
export function randomJob(draws: Draws): Job {
  const job = new JobDraft();
  const n = draws.chance(0.4) ? draws.between(60, 140) : draws.between(1, 6);
  const d = draws.chance(0.08) ? draws.between(33, 36) : draws.between(1, 5);
  const v = draws.between(2, 9);
  const steps = draws.chance(0.1) ? draws.between(17, 18) : draws.between(1, 5);
  const adam = draws.chance(0.5);
  const w = job.given('state', [d, d]);
  const moments = adam ? [job.given('state', [d, d]), job.given('state', [d, d])] : [];
  const ids = job.given('data', [n], 'u32');
  const table = job.given('fixed', [v, d]);
  const hyper = adam ? job.given('data', [3]) : 0;
  const h = job.one('embed', { N: n, V: v, D: d }, [ids, table], [n, d]);
  let y = job.one('matmul', { M: n, N: d, K: d, transposeA: 0, transposeB: 0 }, [h, w], [n, d]);
  if (draws.chance(0.4)) {
    const gain = job.given('fixed', [d]);
    const rstd = job.one('rms.rstd', { N: n, D: d, invD: Math.fround(1 / d), eps: 2 ** -20 }, [y], [n]);
    if (draws.chance(0.5)) job.one('rms.grad.gain', { N: n, D: d }, [h, y, rstd], [d]);
    y = job.one('rms.apply', { N: n, D: d }, [y, rstd, gain], [n, d]);
  }
  if (draws.chance(0.4)) y = job.one('swiglu', { len: n * d }, [y, h], [n, d]);
  if (draws.chance(0.3)) {
    const bias = job.one('bias.grad', { N: n, D: d }, [y], [d]);
    y = job.one('bias.add', { N: n, D: d }, [y, bias], [n, d]);
  }
  if (draws.chance(0.4)) job.one('embed.grad', { N: n, V: v, D: d }, [ids, y], [v, d]);
  if (draws.chance(0.3)) job.one('xent.lse', { N: n, V: d }, [y], [n]);
  const g = job.one('matmul', { M: d, N: d, K: n, transposeA: 1, transposeB: 0 }, [h, y], [d, d]);
  const sums = [job.one('norm.square', { len: d * d }, [g], [1])];
  if (draws.chance(0.3)) sums.push(job.one('norm.square', { len: n * d }, [y], [1]));
  const scale = job.one('clip.scale', { count: sums.length, maxNorm: 1 }, sums, [1]);
  if (!adam) return job.finish([job.one('add', { len: d * d }, [w, g], [d, d])], steps, v);
  const [m = 0, u = 0] = moments;
  const constants = {
    ...{ beta1: Math.fround(0.9), oneMinusBeta1: Math.fround(0.1), beta2: Math.fround(0.99) },
    ...{ oneMinusBeta2: Math.fround(0.01), eps: Math.fround(1e-8), weightDecay: Math.fround(0.1) },
  };
  const shape = [d, d];
  const inputs = [w, g, m, u, scale, hyper];
  return job.finish(job.run('adamw', { len: d * d, ...constants }, inputs, [shape, shape, shape]), steps, v);
}

/** Leaf hash of the metadata of the checkpoint after that many steps. */
export function metadataAfter(steps: number): Hex {
  return hexLeafHash(stringToHex(`after step ${steps}`));
}
