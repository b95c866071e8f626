/** The same steps on one device, hop after hop: what the members' root has to be. */
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { composedRoot } from '../../models/blocks/block-version.ts';
import { checkpointMetadata } from '../../models/decoder/checkpoint.ts';
import { fromHex, type Hex } from '../../protocol/hex.ts';
import type { BlockRun } from '../../training/blocks/block-run.ts';
import { wholeRun } from '../../workers/whole-run.ts';
import { firstCheckpoint, firstVersions, type PipelineSettings } from './settings.ts';

/** The checkpoint's root after all steps, at least one. */
export async function oracleRoot(
  run: BlockRun,
  { seed, steps }: PipelineSettings,
  signal: AbortSignal,
): Promise<Hex> {
  const engine = await createWasmEngine({ threads: 1 });
  try {
    let done = 0;
    for await (const state of wholeRun({ engine, run, first: firstVersions(run, seed), signal }))
      if (++done === steps) return rootOfState(run, seed, steps, state);
    throw new RangeError(`A run of ${steps} steps has no end.`);
  } finally {
    await engine.stop();
  }
}

/** The checkpoint's root from the roots of all blocks' tensors. */
export function rootOfState(
  run: BlockRun,
  seed: number,
  steps: number,
  state: ReadonlyMap<string, Hex>,
): Hex {
  return composedRoot(
    run.plan,
    checkpointMetadata(firstCheckpoint(run, seed), steps),
    new Map([...state].map(([name, root]) => [name, fromHex(root)])),
  );
}
