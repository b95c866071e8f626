/**
 * What the members of a swarm compute together on a model in blocks: for each optimizer step its paths, its
 * hops and its data. All follows from the settings and the number of the step, so that every member knows it
 * and none gives it out.
 */
import { canon } from '../../compute/repops/arithmetic.ts';
import type { Words } from '../../compute/repops/recipe.ts';
import { type BlockPath, type BlockPlan, layerBlocks } from '../../models/blocks/block-plan.ts';
import { type BlockStep, blockStep, type Microbatches } from '../../models/blocks/block-step.ts';
import type { Boundary } from '../../models/blocks/boundary.ts';
import { idData } from '../../models/blocks/vocabulary-hops.ts';
import { DEFAULT_OPTIMIZER, type OptimizerOptions } from '../../models/decoder/adamw.ts';
import { HyperSchedule } from '../../models/decoder/hyper.ts';
import { pathPlan } from '../../pipeline/path-plan.ts';
import { must } from '../../protocol/must.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { PromptFormat } from '../prompt-format.ts';
import { collate, type Row, rowLength } from '../sequences.ts';
import type { TaskItem } from '../tasks/task.ts';
import type { TaskSource } from '../tasks/task-source.ts';
import { workedAnswer } from '../words-format.ts';

export interface BlockRunOptions {
  readonly plan: BlockPlan;
  /** Rows are of `length` tokens. Longer questions are left out. */
  readonly microbatches: Microbatches;
  /** 32 bytes. Paths and questions follow from it. */
  readonly seed: Uint8Array;
  readonly tasks: TaskSource;
  readonly format: PromptFormat;
  /**
   * Stages that a microbatch visits, the embedding's included (SkipPipe, arXiv 2502.19913). Defaults to all.
   */
  readonly visited?: number;
  /** Every so manieth step visits all stages. Defaults to 10; 0 for never. */
  readonly fullEvery?: number;
  /** How what passes from block to block is rounded. Defaults to `f32`. */
  readonly boundary?: Boundary;
  readonly learningRate: number;
  /** The learning rate rises over this many steps. Defaults to 10. */
  readonly warmupSteps?: number;
  /** Defaults to DEFAULT_OPTIMIZER. */
  readonly optimizer?: OptimizerOptions;
}

/** The tasks give no question that fits. The message tells the remedy. */
export class BlockRunError extends Error {
  override readonly name = 'BlockRunError';
}

/** For each row, how many questions are drawn before the tasks count as having none that fits. */
const DRAWS = 4;
/** Plans of steps that are kept: those with the same paths are the same. */
const KEPT_STEPS = 8;

export class BlockRun {
  readonly plan: BlockPlan;
  readonly #options: BlockRunOptions;
  readonly #hyper: HyperSchedule;
  readonly #steps = new Map<string, BlockStep>();

  /** Throws BlockPlanError or PathPlanError where the settings do not fit the plan. */
  constructor(options: BlockRunOptions) {
    this.plan = options.plan;
    this.#options = options;
    this.#hyper = new HyperSchedule(options.optimizer ?? DEFAULT_OPTIMIZER);
    this.step(0);
    this.step(1);
  }

  /** The stages that each microbatch of a step visits. */
  paths(step: number): readonly BlockPath[] {
    const { microbatches, seed, visited, fullEvery = 10 } = this.#options;
    const layers = layerBlocks(this.plan);
    const stages = layers.length + 1;
    if (visited === undefined || visited === stages) {
      const all = layers.map((_, index) => index + 1);
      return Array.from({ length: microbatches.count }, () => all);
    }
    return pathPlan({
      seed,
      step,
      microbatches: microbatches.count,
      rules: { stages, visited },
      fullEvery,
    });
  }

  /** The step's recipe and hops. */
  step(step: number): BlockStep {
    const { plan, microbatches, optimizer, boundary } = this.#options;
    const paths = this.paths(step);
    const key = JSON.stringify(paths);
    const known = this.#steps.get(key);
    if (known !== undefined) return known;
    const made = blockStep({ plan, microbatches, paths, optimizer, boundary });
    const [oldest] = this.#steps.keys();
    if (oldest !== undefined && this.#steps.size >= KEPT_STEPS) this.#steps.delete(oldest);
    this.#steps.set(key, made);
    return made;
  }

  /**
   * The step's data by the names of the recipe's tensors. The loss is the mean over the answers' tokens of
   * all microbatches. Throws BlockRunError when no question fits a row.
   */
  data(step: number): ReadonlyMap<string, Words> {
    const { microbatches, learningRate, warmupSteps = 10 } = this.#options;
    const { count, batch, length } = microbatches;
    const rows = this.#rows(step);
    const weight = canon(1 / rows.reduce((sum, { completion }) => sum + completion.length, 0));
    const warm = Math.min(1, (step + 1) / Math.max(1, warmupSteps));
    const data = new Map<string, Words>([['hyper', this.#hyper.at(step + 1, learningRate * warm)]]);
    for (let m = 0; m < count; m++) {
      const collated = collate(rows.slice(m * batch, (m + 1) * batch), { batch, length });
      for (const what of ['tokens', 'targets'] as const)
        for (const [name, ids] of idData(this.plan, what, m, collated[what])) data.set(name, ids);
      data.set(
        `weights.${m}`,
        collated.perToken(() => weight),
      );
    }
    return data;
  }

  /** Questions with their answers; as many as the step has rows. */
  #rows(step: number): readonly Row[] {
    const { microbatches, tasks, seed } = this.#options;
    const wanted = microbatches.count * microbatches.batch;
    const number = new Uint8Array(8);
    new DataView(number.buffer).setBigUint64(0, BigInt(step));
    const items = tasks.roundItems(sha256Of(seed, number), DRAWS * wanted);
    const fitting = items
      .map((item) => this.#rowOf(item))
      .filter((row) => row !== undefined)
      .filter((row) => rowLength(row) <= microbatches.length);
    if (fitting.length === 0) {
      throw new BlockRunError(`No question fits ${microbatches.length} tokens: use longer rows.`);
    }
    return Array.from({ length: wanted }, (_, i) => must(fitting, i % fitting.length));
  }

  /** Undefined for a question or an answer with a character that the model's vocabulary lacks. */
  #rowOf(item: TaskItem): Row | undefined {
    const { format } = this.#options;
    const text = format.id === 'short' ? item.answer : workedAnswer(item);
    try {
      return { prompt: format.answer(item), completion: [...format.encode(text), format.endToken] };
    } catch {
      return undefined;
    }
  }
}
