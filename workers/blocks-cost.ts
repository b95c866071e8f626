/** What keeping blocks of a swarm's model takes on a device, predicted before anything is fetched. Pure. */
import { type BlockCost, blockCosts } from '../models/blocks/block-costs.ts';
import { blockStep } from '../models/blocks/block-step.ts';
import { type SwarmBlockPlanOptions, swarmBlockPlan } from '../training/blocks/swarm-block-plan.ts';

export interface BlocksCost {
  /** In the model's order. */
  readonly blocks: readonly {
    readonly id: string;
    /** Bytes of storage for its versions. */
    readonly disk: number;
    /** Bytes of memory to compute its hops. */
    readonly memory: number;
  }[];
  /** Most blocks that the device has storage for together, the smallest ones. */
  readonly most: number;
}

export interface BlocksCostOptions extends SwarmBlockPlanOptions {
  /** Most bytes of blocks on this device. */
  readonly quotaBytes: number;
  /** Bytes that a device sets aside for a block. */
  readonly roomFor: (block: Pick<BlockCost, 'versionBytes' | 'frozenBytes'>) => number;
}

/** Throws BlockPlanError for blocks that do not fit the model. */
export function predictBlocks(options: BlocksCostOptions): BlocksCost {
  const { blocks, config, quotaBytes, lora, roomFor } = options;
  const plan = swarmBlockPlan({ config, blocks, lora });
  const step = blockStep({
    plan,
    microbatches: { count: blocks.microbatches, batch: blocks.rows, length: blocks.length },
    paths: 'full',
    boundary: blocks.boundary,
  });
  const costs = blockCosts(step).map((block) => ({
    id: block.id,
    disk: roomFor(block),
    memory: block.heldBytes + block.workBytes,
  }));
  let left = quotaBytes;
  let most = 0;
  for (const disk of costs.map((cost) => cost.disk).sort((a, b) => a - b)) {
    left -= disk;
    if (left >= 0) most++;
  }
  return { blocks: costs, most };
}
