/**
 * The model of `npm run pipeline` at the beginning: random weights that follow from the seed, in training, or
 * frozen with fresh adapters beside them.
 */
import { blockOf } from '../../models/blocks/block-plan.ts';
import {
  type BlockVersion,
  blocksOf,
  composedRoot,
  frozenWeights,
} from '../../models/blocks/block-version.ts';
import { checkpointMetadata } from '../../models/decoder/checkpoint.ts';
import { initialParameters } from '../../models/decoder/initialize.ts';
import { adapterMetadata, freshAdapterState } from '../../models/decoder/lora/adapter-state.ts';
import { initialAdapters } from '../../models/decoder/lora/adapters.ts';
import { frozenRoot } from '../../models/decoder/lora/frozen-root.ts';
import { freshState } from '../../models/decoder/state.ts';
import { memoryWeights } from '../../models/decoder/weights.ts';
import { fromHex, type Hex } from '../../protocol/hex.ts';
import { RandomStream } from '../../protocol/philox.ts';
import type { BlockRun } from '../../training/blocks/block-run.ts';
import type { HopHostOptions } from '../../workers/hop-host.ts';

export interface FirstModel {
  /** The versions of all blocks. */
  readonly versions: readonly BlockVersion[];
  /** The weights of a block that no step changes. Absent where all are trained. */
  readonly frozen: HopHostOptions['frozen'];
  /** The checkpoint's root after so many steps, from the roots of all blocks' tensors. */
  rootOf(steps: number, state: ReadonlyMap<string, Hex>): Hex;
}

/** Everybody makes the same one from the same seed. */
export async function openFirstModel(run: BlockRun, seed: number): Promise<FirstModel> {
  const { plan } = run;
  const { config, weights } = plan;
  const drawFrom = (stream: RandomStream) => (tensor: number, element: number, part: number) =>
    stream.word(tensor, element, part);
  const parameters = initialParameters({ config, draw: drawFrom(new RandomStream([seed, 0])) });
  const compose = (metadata: ReadonlyMap<string, string>, state: ReadonlyMap<string, Hex>): Hex =>
    composedRoot(plan, metadata, new Map([...state].map(([name, root]) => [name, fromHex(root)])));
  const { lora } = weights;
  if (lora === undefined) {
    const checkpoint = {
      config,
      cursor: 0,
      rngKey: '0x00000000',
      state: freshState(config, parameters),
    } as const;
    return {
      versions: blocksOf(plan, checkpoint.state),
      frozen: undefined,
      rootOf: (steps, state) => compose(checkpointMetadata(checkpoint, steps), state),
    };
  }
  const source = memoryWeights(parameters);
  const base = await frozenRoot(config, source);
  const adapters = initialAdapters({ config, lora, draw: drawFrom(new RandomStream([seed, 1])) });
  return {
    versions: blocksOf(plan, freshAdapterState(config, lora, adapters)),
    frozen: (block, signal) => frozenWeights(plan, blockOf(plan, block), source, { signal }),
    rootOf: (steps, state) => compose(adapterMetadata({ config, lora, base }, steps), state),
  };
}
