/** The same steps on one device, hop after hop: what the members' root has to be. */
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { composedRoot, encodeBlock } from '../../models/blocks/block-version.ts';
import { checkpointMetadata } from '../../models/decoder/checkpoint.ts';
import { fromHex, type Hex } from '../../protocol/hex.ts';
import type { BlockRun } from '../../training/blocks/block-run.ts';
import { HopHost } from '../../workers/hop-host.ts';
import { firstCheckpoint, firstVersions, type PipelineSettings } from './settings.ts';

/** The checkpoint's root after all steps. */
export async function oracleRoot(
  run: BlockRun,
  { seed, steps }: PipelineSettings,
  signal: AbortSignal,
): Promise<Hex> {
  const engine = await createWasmEngine({ threads: 1 });
  const host = new HopHost({ engine, run });
  try {
    const state = new Map<string, Hex>();
    for (const version of firstVersions(run, seed)) host.load(encodeBlock(run.plan, version));
    for (let step = 0; step < steps; step++) {
      const made = new Map<string, Uint8Array>();
      for (const { index, kind, inputs } of run.step(step).hops) {
        const given = new Map(
          inputs.flatMap((name) => {
            const bytes = made.get(name);
            return bytes === undefined ? [] : [[name, bytes] as const];
          }),
        );
        for (const [name, { bytes, root }] of await host.compute(step, index, given, { signal }))
          if (kind === 'update') state.set(name, root);
          else made.set(name, bytes);
      }
    }
    return rootOfState(run, seed, steps, state);
  } finally {
    await host.dispose();
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
