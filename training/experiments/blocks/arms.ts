/** The arms of `npm run experiment -- blocks`, and one step of each. */
import type { Engine } from '../../../compute/engines/engine.ts';
import { type BlockPlan, blockPlan, evenLayers, layerBlocks } from '../../../models/blocks/block-plan.ts';
import { DEFAULT_OPTIMIZER } from '../../../models/decoder/adamw.ts';
import { type DecoderConfig, parameterSpecs } from '../../../models/decoder/config.ts';
import { initialParameters } from '../../../models/decoder/initialize.ts';
import { type NamedTensors, tensorNamed } from '../../../models/decoder/state.ts';
import { pathPlan } from '../../../pipeline/path-plan.ts';
import { must } from '../../../protocol/must.ts';
import { RandomStream } from '../../../protocol/philox.ts';
import { OUTER, OUTER_MOMENTUM, outerStepProgram, PARTNER } from '../../groups/outer-step.ts';
import { partnersOf } from '../../groups/pairing.ts';
import {
  blockNorm,
  neighboursOf,
  type RepairRecord,
  repairProgram,
  swappedEnds,
} from '../../groups/repair.ts';
import { BlockTrainer } from './block-trainer.ts';
import { LESSON_VOCABULARY, type LessonText, lessonText, rowsOf, type Windows } from './lesson-text.ts';

/**
 * `full`: every microbatch through every block; it is the one group at four times the batch too. `skip`: two
 * of six stages left out of every path. `noloco`: four groups of a quarter of the batch. `swapped`: the paths
 * of CheckFree+ without a loss. `checkfree`: the same with losses. `bf16`, `int8`: `full`, with activations
 * and their gradients rounded between blocks.
 */
export const ARMS = ['full', 'skip', 'noloco', 'checkfree', 'swapped', 'bf16', 'int8'] as const;
export type Arm = (typeof ARMS)[number];

/** Stages of layers. The first one is part of stage 0 of SkipPipe, which no path skips. */
const STAGES = 6;
/** Stages of SkipPipe that a path visits, stage 0 included: a third is skipped. */
const VISITED = 4;
/** The least number of microbatches that visit five stages three at a time equally often. */
const SKIPPING_MICROBATCHES = 5;
const FULL_MICROBATCHES = 4;
const GROUPS = 4;

export const SIZES = {
  tiny: { hiddenSize: 32, layers: 6, heads: 2, kvHeads: 1, headDim: 16, feedForward: 64 },
  '1M': { hiddenSize: 128, layers: 6, heads: 4, kvHeads: 2, headDim: 32, feedForward: 352 },
  '10M': { hiddenSize: 256, layers: 12, heads: 8, kvHeads: 4, headDim: 32, feedForward: 768 },
} as const satisfies Readonly<Record<string, Partial<DecoderConfig>>>;
export type Size = keyof typeof SIZES;

export interface BlocksSettings {
  readonly size: Size;
  readonly steps: number;
  /** Rows of a step, over all groups: a multiple of 20. */
  readonly rows: number;
  /** Tokens of a row. */
  readonly length: number;
  readonly learningRate: number;
  readonly warmup: number;
  /** Optimizer steps between two outer steps. */
  readonly inner: number;
  /** The chance of a stage to be lost before a step. */
  readonly lossChance: number;
  readonly heldOutRows: number;
}

/** All that an arm has to know to go on after a kill. */
export interface ArmState {
  /** Optimizer steps taken. */
  readonly step: number;
  /** Of each group: parameters, moments, and outer weights and momentum. */
  readonly groups: readonly NamedTensors[];
  readonly repairs: readonly RepairRecord[];
  /** Sums of squares of the last gradients. */
  readonly squares: ReadonlyMap<string, number>;
  /** Mean training loss of each ten steps. */
  readonly losses: readonly number[];
  /** Standard deviation of the weights between groups before and after each outer step. */
  readonly spreads: readonly (readonly [before: number, after: number])[];
}

export function configOf(size: Size): DecoderConfig {
  return {
    ...SIZES[size],
    ...{ vocabulary: LESSON_VOCABULARY, context: 128, ropeTheta: 10000, normEpsilon: 1e-6 },
    tiedEmbedding: true,
  };
}

export function planOf(size: Size): BlockPlan {
  const config = configOf(size);
  return blockPlan({ config, layers: evenLayers(config.layers, STAGES) });
}

export function parameterCount(size: Size): number {
  return parameterSpecs(configOf(size)).reduce(
    (sum, { shape }) => sum + shape.reduce((product, side) => product * side, 1),
    0,
  );
}

const OPTIMIZER = { ...DEFAULT_OPTIMIZER, beta2: 0.95 };
const ALL_STAGES = Array.from({ length: STAGES }, (_, index) => index + 1);

/** Rises linearly, stays, and falls linearly to a tenth over the last 30 %. */
export function learningRateAt({ learningRate, warmup, steps }: BlocksSettings, step: number): number {
  const rising = Math.min(1, (step + 1) / warmup);
  const left = Math.min(1, (steps - step) / (0.3 * steps));
  return learningRate * rising * (0.1 + 0.9 * left);
}

/** One arm with one seed. */
export class ArmRun {
  readonly #arm: Arm;
  readonly #settings: BlocksSettings;
  readonly #plan: BlockPlan;
  readonly #seed: Uint8Array;
  readonly #text: LessonText;
  readonly #groups: readonly BlockTrainer[];
  readonly #from: ArmState | undefined;
  #repairs: readonly RepairRecord[];
  #squares: ReadonlyMap<string, number>;
  #losses: readonly number[];
  #spreads: readonly (readonly [number, number])[];
  #recent: number[] = [];
  step: number;

  constructor(o: {
    readonly engine: Engine;
    readonly arm: Arm;
    readonly seed: number;
    readonly settings: BlocksSettings;
    /** Where a run that was killed stood. */
    readonly from: ArmState | undefined;
  }) {
    this.#arm = o.arm;
    this.#settings = o.settings;
    this.#plan = planOf(o.settings.size);
    const name = `blocks ${o.seed}`;
    this.#seed = new TextEncoder().encode(name);
    this.#text = lessonText(name);
    const count = o.arm === 'noloco' ? GROUPS : 1;
    const start = o.from === undefined ? this.#start() : undefined;
    this.#groups = Array.from({ length: count }, (_, group) => {
      const tensors = o.from?.groups[group] ?? start;
      if (tensors === undefined) throw new RangeError(`The stored state has no group ${group}.`);
      return new BlockTrainer({
        ...{ engine: o.engine, plan: this.#plan, optimizer: OPTIMIZER, tensors },
        boundary: o.arm === 'bf16' || o.arm === 'int8' ? o.arm : 'f32',
      });
    });
    this.step = o.from?.step ?? 0;
    this.#repairs = o.from?.repairs ?? [];
    this.#squares = o.from?.squares ?? new Map();
    this.#losses = o.from?.losses ?? [];
    this.#spreads = o.from?.spreads ?? [];
    this.#from = o.from;
  }

  #start(): NamedTensors {
    const draws = RandomStream.named({
      seed: this.#seed,
      round: 0,
      device: '',
      purpose: 'initialisation',
    });
    return initialParameters({
      config: this.#plan.config,
      draw: (tensor, element, part) => draws.word(tensor, element, part),
      deviation: 0.06,
    });
  }

  /** Puts the outer weights in place. Call once before the first step. */
  async begin(): Promise<void> {
    if (this.#arm !== 'noloco') return;
    const specs = parameterSpecs(this.#plan.config);
    for (const [group, trainer] of this.#groups.entries()) {
      const kept = this.#from?.groups[group] ?? new Map<string, Float32Array>();
      const parameters = await trainer.parameters();
      for (const { name } of specs) {
        const outer = kept.get(`${OUTER}${name}`) ?? parameters.get(name) ?? new Float32Array();
        trainer.keep(`${OUTER}${name}`, outer);
        const momentum = kept.get(`${OUTER_MOMENTUM}${name}`);
        trainer.keep(`${OUTER_MOMENTUM}${name}`, momentum ?? new Float32Array(outer.length));
      }
    }
  }

  /** One optimizer step of every group, and what follows it. Resolves with the mean loss. */
  async advance(): Promise<number> {
    const { rows, length } = this.#settings;
    const { step } = this;
    if (this.#arm === 'checkfree') await this.#loseBlocks();
    const windows = this.#text.windows(step * rows, rows, length);
    const share = rows / this.#groups.length;
    let loss = 0;
    for (const [group, trainer] of this.#groups.entries()) {
      const done = await trainer.step({
        windows: rowsOf(windows, group * share, share),
        paths: this.#paths(),
        learningRate: learningRateAt(this.#settings, step),
        step,
        repairs: this.#repairs,
      });
      loss += done.loss / this.#groups.length;
      this.#squares = done.squares;
    }
    this.step += 1;
    if (this.#arm === 'noloco' && this.step % this.#settings.inner === 0) await this.#outerStep();
    this.#recent.push(loss);
    if (this.step % 10 === 0) {
      this.#losses = [...this.#losses, this.#recent.reduce((a, b) => a + b, 0) / this.#recent.length];
      this.#recent = [];
    }
    return loss;
  }

  #paths(): readonly (readonly number[])[] {
    switch (this.#arm) {
      case 'skip':
        return pathPlan({
          seed: this.#seed,
          step: this.step,
          microbatches: SKIPPING_MICROBATCHES,
          rules: { stages: STAGES, visited: VISITED },
          // The first layers are a part of stage 0.
        }).map((order) => [1, ...order.map((stage) => stage + 1)]);
      case 'noloco':
        return [ALL_STAGES];
      case 'full':
      case 'bf16':
      case 'int8':
        return Array.from({ length: FULL_MICROBATCHES }, () => ALL_STAGES);
      case 'swapped':
      case 'checkfree':
        return Array.from({ length: FULL_MICROBATCHES }, (_, m) => swappedEnds(STAGES, m));
    }
  }

  async #loseBlocks(): Promise<void> {
    const { step } = this;
    if (step === 0) return;
    const draws = RandomStream.named({ seed: this.#seed, round: 0, device: '', purpose: 'failures' });
    const lost = new Set(
      ALL_STAGES.filter((stage) => draws.uniform(step, stage) < this.#settings.lossChance),
    );
    const [trainer] = this.#groups;
    for (const stage of lost) {
      const { before, after } = neighboursOf(STAGES, stage, lost);
      const norms = [this.#normOf(before), this.#normOf(after)] as const;
      const record: RepairRecord = { step, stage, before, after, norms };
      await trainer?.run(repairProgram(this.#plan, record));
      this.#repairs = [...this.#repairs, record];
    }
  }

  #normOf(stage: number): number {
    const { trained } = must(layerBlocks(this.#plan), stage - 1);
    return blockNorm(
      trained.map(({ name }) => {
        const square = this.#squares.get(name);
        if (square === undefined) throw new RangeError(`No step has given the norm of ${name}.`);
        return square;
      }),
    );
  }

  async #outerStep(): Promise<void> {
    const specs = parameterSpecs(this.#plan.config);
    const round = this.step / this.#settings.inner;
    const partners = partnersOf({ seed: this.#seed, round, groups: this.#groups.length });
    const weights: Map<string, Float32Array>[] = [];
    for (const trainer of this.#groups) weights.push(await trainer.parameters());
    const before = spreadOf(weights);
    const [pair, self] = [outerStepProgram('pair', specs), outerStepProgram('self', specs)];
    for (const [group, trainer] of this.#groups.entries()) {
      const partner = must(partners, group);
      const theirs = Object.fromEntries(
        [...must(weights, partner)].map(([name, data]) => [`${PARTNER}${name}`, data]),
      );
      await (partner === group ? trainer.run(self) : trainer.run(pair, theirs));
    }
    const after: Map<string, Float32Array>[] = [];
    for (const trainer of this.#groups) after.push(await trainer.parameters());
    this.#spreads = [...this.#spreads, [before, spreadOf(after)]];
  }

  async state(): Promise<ArmState> {
    const groups: NamedTensors[] = [];
    for (const trainer of this.#groups) {
      const tensors = await trainer.snapshot();
      for (const name of tensors.keys()) if (name.startsWith(PARTNER)) tensors.delete(name);
      groups.push(tensors);
    }
    return {
      step: this.step,
      groups,
      repairs: this.#repairs,
      squares: this.#squares,
      losses: this.#losses,
      spreads: this.#spreads,
    };
  }

  /** Mean loss on text that no step has, through the stages of a path: the mean over groups. */
  async heldOut(path: readonly number[] = ALL_STAGES): Promise<number> {
    const windows = this.#heldOutText();
    let sum = 0;
    for (const trainer of this.#groups) sum += await trainer.score(windows, path, 16);
    return sum / this.#groups.length;
  }

  #heldOutText(): Windows {
    const { heldOutRows, length } = this.#settings;
    return lessonText('blocks, held out').windows(0, heldOutRows, length);
  }

  dispose(): void {
    for (const trainer of this.#groups) trainer.dispose();
  }
}

/** Root of the mean over all weights of their variance between groups. */
export function spreadOf(groups: readonly NamedTensors[]): number {
  let [sum, count] = [0, 0];
  for (const [name, first] of must(groups, 0)) {
    for (let i = 0; i < first.length; i++) {
      const values = groups.map((group) => must(tensorNamed(group, name), i));
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      sum += values.reduce((a, value) => a + (value - mean) ** 2, 0) / values.length;
      count++;
    }
  }
  return Math.sqrt(sum / count);
}

/**
 * Every path through stage 1 and all but `missing` of the others, in order: what is left of a model when
 * blocks are missing at inference.
 */
export function pathsWithout(missing: number): readonly (readonly number[])[] {
  const paths: (readonly number[])[] = [];
  const others = ALL_STAGES.slice(1);
  for (let mask = 0; mask < 2 ** others.length; mask++) {
    const kept = others.filter((_, index) => (mask & (1 << index)) !== 0);
    if (kept.length === others.length - missing) paths.push([1, ...kept]);
  }
  return paths;
}
