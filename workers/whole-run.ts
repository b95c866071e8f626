import type { BlockVersion } from '../models/blocks/block-version.ts';
import { encodeBlock } from '../models/blocks/block-version.ts';
import type { Hex } from '../protocol/hex.ts';
import type { BlockRun } from '../training/blocks/block-run.ts';
import { HopHost, type HopHostOptions } from './hop-host.ts';

export interface WholeRunOptions extends HopHostOptions {
  /** All blocks as the run starts with them. */
  readonly first: readonly BlockVersion[];
  readonly signal?: AbortSignal;
}

/**
 * Computes a run in blocks on one device, hop after hop: what its members' bits have to be. Gives the roots
 * of all blocks' tensors after each step, by name, without end. Throws what `HopHost` throws.
 */
export async function* wholeRun(options: WholeRunOptions): AsyncGenerator<ReadonlyMap<string, Hex>> {
  const { run, first, signal, ...device } = options;
  const host = new HopHost({ run, ...device });
  try {
    for (const version of first) await host.load(encodeBlock(run.plan, version));
    for (let step = 0; ; step++) yield await oneStep(host, run, step, signal);
  } finally {
    await host.dispose();
  }
}

async function oneStep(
  host: HopHost,
  run: BlockRun,
  step: number,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, Hex>> {
  const state = new Map<string, Hex>();
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
  return state;
}
