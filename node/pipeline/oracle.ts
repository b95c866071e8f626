/** The same steps on one device, hop after hop: what the members' root has to be. */
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import type { Hex } from '../../protocol/hex.ts';
import type { BlockRun } from '../../training/blocks/block-run.ts';
import { wholeRun } from '../../workers/whole-run.ts';
import type { FirstModel } from './first-model.ts';
import type { PipelineSettings } from './settings.ts';

/** The checkpoint's root after all steps, at least one. */
export async function oracleRoot(
  run: BlockRun,
  { versions, frozen, rootOf }: FirstModel,
  { steps }: Pick<PipelineSettings, 'steps'>,
  signal: AbortSignal,
): Promise<Hex> {
  const engine = await createWasmEngine({ threads: 1 });
  try {
    let done = 0;
    for await (const state of wholeRun({ engine, run, first: versions, frozen, signal }))
      if (++done === steps) return rootOf(steps, state);
    throw new RangeError(`A run of ${steps} steps has no end.`);
  } finally {
    await engine.stop();
  }
}
