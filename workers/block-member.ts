/** A run over blocks as a pipeline's member sees it: hops, data and versions by their roots. */
import type { Words } from '../compute/repops/recipe.ts';
import { type BlockCost, blockCosts } from '../models/blocks/block-costs.ts';
import type { BlockPlan } from '../models/blocks/block-plan.ts';
import { composedRoot } from '../models/blocks/block-version.ts';
import { tensorRoot } from '../models/checkpoint/root.ts';
import { checkpointMetadata } from '../models/decoder/checkpoint.ts';
import { adapterMetadata } from '../models/decoder/lora/adapter-state.ts';
import type { HopGraph } from '../pipeline/runtime/hop-graph.ts';
import { fromHex, type Hex, toHex } from '../protocol/hex.ts';
import type { BlockRun } from '../training/blocks/block-run.ts';
import { hopGraphOf, versionRootOf } from './hop-graph-of-step.ts';

type Roots = ReadonlyMap<string, Hex>;

/** What a checkpoint says of its place: a run in blocks has no rounds, and draws no numbers. */
export const RUN_CURSOR = { cursor: 0, rngKey: '0x00000000' } as const;

/** What `BlockSession` of swarm/pipeline needs to know of a run. */
export interface MemberRun {
  readonly blocks: readonly Pick<BlockCost, 'id' | 'versionBytes' | 'frozenBytes'>[];
  graphOf(step: number): HopGraph;
  dataOf(step: number): Roots;
  versionRoot(block: string, step: number, roots: Roots): Hex;
  rootOf(bytes: Uint8Array): Hex;
}

/** The view of a run. It computes no training. */
export function memberRun(run: BlockRun): MemberRun {
  return {
    blocks: blockCosts(run.step(0)).map(({ id, versionBytes, frozenBytes }) => ({
      ...{ id, versionBytes, frozenBytes },
    })),
    graphOf: (step) => hopGraphOf(run.step(step)),
    dataOf: (step) =>
      new Map([...run.data(step)].map(([name, words]) => [name, toHex(tensorRoot(bytesOf(words)))])),
    versionRoot: (block, step, roots) => versionRootOf(run.plan, block, step, roots),
    rootOf: (bytes) => toHex(tensorRoot(bytes)),
  };
}

/**
 * The root of the whole model's checkpoint after so many steps, from the roots of all blocks' tensors. Nobody
 * has to hold the model for it. Where adapters are trained it is the root of their checkpoint, and `base`
 * that of the frozen weights; null where all weights are trained. Throws RangeError for adapters without a
 * base, and BlockVersionError where a root is missing.
 */
export function checkpointRootOf(
  { plan, base }: { readonly plan: BlockPlan; readonly base: Hex | null },
  steps: number,
  state: Roots,
): Hex {
  const metadata = metadataOf(plan, base, steps);
  return composedRoot(plan, metadata, new Map([...state].map(([name, root]) => [name, fromHex(root)])));
}

function metadataOf(plan: BlockPlan, base: Hex | null, steps: number): ReadonlyMap<string, string> {
  const { config, weights } = plan;
  if (weights.lora === undefined) return checkpointMetadata({ config, ...RUN_CURSOR }, steps);
  if (base === null) throw new RangeError('Adapters need the root of the weights beside which they are.');
  return adapterMetadata({ config, lora: weights.lora, base }, steps);
}

function bytesOf({ buffer, byteOffset, byteLength }: Words): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
