/** Whether a swarm's blocks fit its model and this program. */
import type { SwarmRefusal } from './swarm-refusal.ts';
import type { BlockSettings, SwarmSpec } from './swarm-spec.ts';

/** Most blocks of layers: a path has at most 16 stages, of which the embedding is the first. */
export const MOST_LAYER_BLOCKS = 15;

/** What this program can train in blocks. */
export interface BlockCapabilities {
  /** Projections that may have adapters, such as `q_proj`. None where only whole weights are trained. */
  readonly adapters: readonly string[];
}

/** What has to be known of a model to cut it. */
export interface ModelShape {
  readonly layers: number;
  /** Positions that the model was trained for. */
  readonly context: number;
}

/** Blocks of layers that a model of so many layers is cut into. Their sizes differ by at most 1. */
export function layerBlockCount(layers: number, { layersPerBlock }: BlockSettings): number {
  return Math.ceil(layers / layersPerBlock);
}

/** Every reason why this program cannot train the swarm's model in blocks, before the model is known. */
export function blockRefusals(
  { blocks, trained }: SwarmSpec,
  able: BlockCapabilities | undefined,
): readonly SwarmRefusal[] {
  if (blocks === undefined) return [];
  if (able === undefined) {
    const sentence =
      'The swarm trains a model in blocks, which this device does not do. ' +
      'Take part with a program that does, or take another swarm.';
    return [{ kind: 'unknown-blocks', field: 'blocks', sentence }];
  }
  if (trained.kind === 'full') return [];
  const foreign = trained.targets.filter((target) => !able.adapters.includes(target));
  if (foreign.length === 0) return [];
  const sentence =
    `The swarm trains adapters of ${foreign.join(', ')} in blocks, which this program cannot. ` +
    'Update it, or take another swarm.';
  return [{ kind: 'unfit-blocks', field: 'trained.targets', sentence }];
}

/**
 * Every reason why the swarm's blocks do not fit its model. Nobody can take part in such a swarm, so whoever
 * opens one is told before.
 */
export function unfitBlocks({ blocks }: SwarmSpec, model: ModelShape): readonly SwarmRefusal[] {
  if (blocks === undefined) return [];
  const { layersPerBlock, skipped, microbatches, length } = blocks;
  const refuse = (field: string, problem: string, remedy: string): SwarmRefusal => {
    const sentence = `The swarm’s blocks do not fit its model: ${problem}. ${remedy}`;
    return { kind: 'unfit-blocks', field: `blocks.${field}`, sentence };
  };
  const found: SwarmRefusal[] = [];
  const count = layerBlockCount(model.layers, blocks);
  if (layersPerBlock > model.layers) {
    const problem = `a block has ${layersPerBlock} layers and the model ${model.layers}`;
    found.push(refuse('layersPerBlock', problem, `Open one with at most ${model.layers} layers a block.`));
  }
  if (count > MOST_LAYER_BLOCKS) {
    const least = Math.ceil(model.layers / MOST_LAYER_BLOCKS);
    const problem = `${model.layers} layers make ${count} blocks, and at most ${MOST_LAYER_BLOCKS} work`;
    found.push(refuse('layersPerBlock', problem, `Open one with at least ${least} layers a block.`));
  }
  if (skipped >= count) {
    const problem = `a microbatch cannot skip ${skipped} of ${count} blocks`;
    found.push(refuse('skipped', problem, `Open one that skips at most ${count - 1}.`));
  } else if ((microbatches * skipped) % count !== 0) {
    const share = smallestShare(skipped, count);
    const problem = `${microbatches} microbatches that skip ${skipped} of ${count} blocks cannot visit all equally often`;
    found.push(refuse('microbatches', problem, `Open one with a multiple of ${share}.`));
  }
  if (length > model.context) {
    const problem = `a row has ${length} tokens and the model takes ${model.context}`;
    found.push(refuse('length', problem, `Open one with rows of at most ${model.context}.`));
  }
  return found;
}

/** The least number of microbatches that can leave out all of `count` blocks equally often. */
function smallestShare(skipped: number, count: number): number {
  let share = 1;
  while ((share * skipped) % count !== 0) share++;
  return share;
}
