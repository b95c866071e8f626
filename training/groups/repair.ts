/**
 * The repair of a block of layers whose weights nobody has any more, of CheckFree (arXiv 2506.15461): the
 * last resort, after a keeper's copy and after computing again from an older version. It is a recorded step
 * of the run, as a program of operators that the judge knows.
 *
 * - **[CF-1]** The lost block becomes the mean of the nearest blocks before and after it that are there,
 *   weighted by the norms of their last gradients. With only one of them, as at the ends (CheckFree+), it
 *   becomes a copy of that.
 * - **[CF-2]** Both moments of its tensors are +0, and its optimizer counts its steps from there.
 * - **[CF-3]** Its learning rate is multiplied by a factor of its own for the rest of the run, once however
 *   often it was lost.
 */
import { add, canon, mul } from '../../compute/repops/arithmetic.ts';
import { recip, sqrt } from '../../compute/repops/functions.ts';
import { elementCount, type Program } from '../../compute/repops/program.ts';
import { type Block, type BlockPlan, layerBlocks } from '../../models/blocks/block-plan.ts';
import { ProgramBuilder } from '../../models/decoder/builder.ts';

/** A block that cannot be repaired so, or a record that is none. The message tells the remedy. */
export class RepairError extends Error {
  override readonly name = 'RepairError';
}

/** What a repair was computed from. Stages count the layers' blocks from 1. */
export interface RepairRecord {
  /** Optimizer steps taken before the repair. */
  readonly step: number;
  readonly stage: number;
  /** The blocks that the mean is of. Equal for a copy. */
  readonly before: number;
  readonly after: number;
  /** Norms of the last gradients of those two, canonical f32. */
  readonly norms: readonly [before: number, after: number];
}

/** Keeps the weights defined where both gradients vanish, as in the published program. */
const LEAST_NORM = canon(1e-4);

/** The norm of a block's gradient from the sums of squares of its tensors, in the order of its tensors. */
export function blockNorm(sums: readonly number[]): number {
  return sqrt(sums.reduce((total, sum) => add(total, sum), 0));
}

/** The weight of the block after the lost one, by the norms of the gradients before and after. */
export function repairWeight([before, after]: readonly [number, number]): number {
  const [a, b] = [add(after, LEAST_NORM), add(before, LEAST_NORM)];
  return mul(a, recip(add(a, b)));
}

/**
 * The nearest stages before and after a lost one that are there. Where there is none on one side, the other
 * one's twice. Throws RepairError when no layers are left.
 */
export function neighboursOf(
  stages: number,
  stage: number,
  lost: ReadonlySet<number>,
): { readonly before: number; readonly after: number } {
  if (!Number.isInteger(stage) || stage < 1 || stage > stages) {
    throw new RepairError(`There is no stage ${stage} to repair: stages are 1 to ${stages}.`);
  }
  const there = (from: number, step: 1 | -1): number | undefined => {
    for (let at = from; at >= 1 && at <= stages; at += step) if (!lost.has(at)) return at;
    return undefined;
  };
  const [before, after] = [there(stage - 1, -1), there(stage + 1, 1)];
  const [first, second] = [before ?? after, after ?? before];
  if (first === undefined || second === undefined) {
    throw new RepairError('Every block of layers is lost: start again from a checkpoint.');
  }
  return { before: first, after: second };
}

/**
 * The repair as a program: reads the tensors of the blocks `before` and `after`, and writes those of the lost
 * block with its moments. Throws RepairError for blocks of another size, or a copy of a block from itself.
 */
export function repairProgram(plan: BlockPlan, record: RepairRecord): Program {
  const { stage, before, after, norms } = record;
  if (before === stage || after === stage) {
    throw new RepairError(`Stage ${stage} cannot be repaired from itself: name other stages.`);
  }
  const lost = stageOf(plan, stage);
  const weight = before === after ? 0 : repairWeight(norms);
  const b = new ProgramBuilder();
  for (const { name, shape } of lost.trained) {
    const len = elementCount(shape);
    const [low, high] = [before, after].map((source) => {
      const block = stageOf(plan, source);
      if (block.layers.length !== lost.layers.length) {
        throw new RepairError(`${block.id} and ${lost.id} differ in size: cut the model into equal blocks.`);
      }
      return b.bound(sameTensor(name, lost, block), shape);
    });
    if (low === undefined || high === undefined) throw new RangeError(`${name} has no neighbour`);
    // The difference of a tensor with itself is +0.
    const difference = b.temporary(`difference.${name}`, shape);
    b.node('add.scaled', { len, scale: -1 }, [high, low], [difference]);
    b.node('add.scaled', { len, scale: weight }, [low, difference], [b.bound(name, shape)]);
    for (const moment of ['m', 'v']) {
      b.node('add.scaled', { len, scale: -1 }, [low, low], [b.bound(`optimizer.${moment}.${name}`, shape)]);
    }
  }
  return b.build(`repair of ${lost.id}`);
}

function stageOf(plan: BlockPlan, stage: number): Block {
  const block = layerBlocks(plan)[stage - 1];
  if (block === undefined) throw new RepairError(`The model has no stage ${stage}: name one that it has.`);
  return block;
}

/** The tensor of `block` at the place that `name` has in `lost`. */
function sameTensor(name: string, lost: Block, block: Block): string {
  const layer = /(?<=^model\.layers\.)\d+/.exec(name)?.[0];
  const same = block.layers[lost.layers.indexOf(Number(layer))];
  if (layer === undefined || same === undefined) throw new RangeError(`${name} is in no layer of ${lost.id}`);
  return name.replace(/(?<=^model\.layers\.)\d+/, String(same));
}

/** The factor of a stage's learning rate after the repairs so far. `factor` defaults to 1.1. */
export function rateFactor(repairs: readonly RepairRecord[], stage: number, factor = 1.1): number {
  return repairs.some((record) => record.stage === stage) ? factor : 1;
}

/** Optimizer steps that a stage's moments have seen, of `steps` taken: those since it was repaired last. */
export function stepsOfMoments(repairs: readonly RepairRecord[], stage: number, steps: number): number {
  const own = repairs.filter((record) => record.stage === stage).map(({ step }) => step);
  return steps - Math.max(0, ...own);
}

/**
 * The path of a microbatch in CheckFree+: every odd one takes the first two stages and the last two in
 * swapped order, so that each end learns what its neighbour does, and can be a copy of it. Fewer than four
 * stages stay as they are.
 */
export function swappedEnds(stages: number, microbatch: number): readonly number[] {
  const path = Array.from({ length: stages }, (_, index) => index + 1);
  if (stages < 4 || microbatch % 2 === 0) return path;
  return [2, 1, ...path.slice(2, -2), stages, stages - 1];
}

const MOST_STAGES = 16;

/** Reads a record from JSON. Throws RepairError for anything but a record within its limits. */
export function parseRepairRecord(value: unknown): RepairRecord {
  if (typeof value !== 'object' || value === null) throw new RepairError('A repair must be an object.');
  const { step, stage, before, after, norms } = value as Readonly<Record<string, unknown>>;
  const whole = (what: string, number: unknown, least: number, most: number): number => {
    if (typeof number === 'number' && Number.isInteger(number) && number >= least && number <= most) {
      return number;
    }
    throw new RepairError(`The ${what} of a repair must be a whole number from ${least} to ${most}.`);
  };
  const norm = (number: unknown): number => {
    if (typeof number === 'number' && number >= 0 && Object.is(canon(number), number)) return number;
    throw new RepairError('The norms of a repair must be canonical f32 of at least 0.');
  };
  if (!Array.isArray(norms) || norms.length !== 2) throw new RepairError('A repair has two norms.');
  return {
    step: whole('step', step, 0, 2 ** 32 - 1),
    stage: whole('stage', stage, 1, MOST_STAGES),
    before: whole('stage before', before, 1, MOST_STAGES),
    after: whole('stage after', after, 1, MOST_STAGES),
    norms: [norm(norms[0]), norm(norms[1])],
  };
}
