import { type BlockPlan, blockPlan, evenLayers } from '../../models/blocks/block-plan.ts';
import type { DecoderConfig } from '../../models/decoder/config.ts';
import { TRAINED } from '../../models/decoder/forward.ts';
import type { LoraOptions } from '../../models/decoder/lora/adapters.ts';
import { layerBlockCount } from '../../protocol/swarm-blocks.ts';
import type { BlockSettings } from '../../protocol/swarm-spec.ts';

export interface SwarmBlockPlanOptions {
  readonly config: DecoderConfig;
  readonly blocks: BlockSettings;
  /** The adapters that are trained beside frozen weights. Defaults to none: all weights are trained. */
  readonly lora?: LoraOptions | undefined;
}

/** The blocks of a swarm's model. Throws BlockPlanError for settings that do not fit the model. */
export function swarmBlockPlan({ config, blocks, lora }: SwarmBlockPlanOptions): BlockPlan {
  return blockPlan({
    config,
    layers: evenLayers(config.layers, layerBlockCount(config.layers, blocks)),
    weights: lora === undefined ? TRAINED : { frozen: true, lora },
    vocabularyParts: blocks.vocabularyParts ?? 1,
  });
}
