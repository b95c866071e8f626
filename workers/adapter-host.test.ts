import { expect, it } from 'vitest';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import { blobSource } from '../models/loading/blob-source.ts';
import { storeSource } from '../models/loading/store-source.ts';
import { openMemoryFileStore } from '../models/loading/testing/memory-file-store.ts';
import { tinyFiles } from '../models/loading/testing/tiny-model.ts';
import { openMemoryDirectory } from '../models/storage/memory-directory.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import { smallSpec } from '../protocol/testing/sample-swarm-specs.ts';
import type { RoundContext } from '../protocol/trainer.ts';
import { openCheckpointStore } from '../training/durable-checkpoint-store.ts';
import { readCheckpoint } from '../training/learning-checkpoint.ts';
import { ComputeHost, type ComputeHostOptions } from './compute-host.ts';
import { SMALL_SETTINGS, smallModel } from './testing/small-model.ts';

const DEVICE = `0x${'a1'.repeat(20)}` as DeviceAddress;
const NAMES = ['config.json', 'tokenizer.json', 'model.safetensors'] as const;
const signal = new AbortController().signal;
const contextOf = (round: number): RoundContext => ({ round, seed: `0x${'12'.repeat(32)}`, device: DEVICE });

it('trains adapters beside the frozen model of a swarm, and goes on with them after a restart', async () => {
  const model = smallModel();
  const files = openMemoryFileStore();
  for (const name of NAMES) files.files.set(name, Uint8Array.from(await model.file(name)));
  const directory = openMemoryDirectory();
  const options = (): ComputeHostOptions<never> => ({
    device: DEVICE,
    model: storeSource(files, NAMES),
    swarm: { ...smallSpec, trained: { kind: 'adapters', rank: 2, alpha: 4, targets: ['q_proj', 'v_proj'] } },
    store: openCheckpointStore(directory),
    engine: 'wasm',
    settings: SMALL_SETTINGS,
    chooseEngine: async () => ({
      ...{ engine: await createWasmEngine({ threads: 1 }), reason: 'requested', verdicts: [] },
    }),
  });
  const first = await ComputeHost.start(options());
  const set = await first.answer(contextOf(3), signal);
  expect(set.groups.length).toBeGreaterThan(0);
  await first.train(contextOf(3), { author: DEVICE, cid: 'own', set }, [], signal);
  const { root, cursor } = first;
  const stored = readCheckpoint((await first.checkpoint()).bytes);
  await first.stop();
  expect(stored.kind).toBe('adapters');
  if (stored.kind !== 'adapters') return;
  expect(stored.lora.targets).toEqual(['q_proj', 'v_proj']);

  const again = await ComputeHost.start(options());
  expect([again.root, again.cursor]).toEqual([root, cursor]);
  await again.stop();

  // Another base: the adapters are refused instead of being put on it.
  const weights = await model.file('model.safetensors');
  const other = Uint8Array.from(weights);
  other[other.length - 2] = (other.at(-2) ?? 0) ^ 1;
  files.files.set('model.safetensors', other);
  await expect(ComputeHost.start(options())).rejects.toThrow(/belong to a model with root/);
});

it('refuses another model in place of the one that the device has trained', async () => {
  const directory = openMemoryDirectory();
  const small = smallModel();
  const picked = (files: Readonly<Record<string, Uint8Array>>) =>
    blobSource(Object.entries(files).map(([name, bytes]) => new File([new Uint8Array(bytes)], name)));
  const own = Object.fromEntries(
    await Promise.all(NAMES.map(async (name) => [name, await small.file(name)] as const)),
  );
  const options = (files: Readonly<Record<string, Uint8Array>>): ComputeHostOptions<never> => ({
    device: DEVICE,
    model: picked(files),
    store: openCheckpointStore(directory),
    engine: 'wasm',
    settings: SMALL_SETTINGS,
    chooseEngine: async () => ({
      ...{ engine: await createWasmEngine({ threads: 1 }), reason: 'requested', verdicts: [] },
    }),
  });
  const first = await ComputeHost.start(options(own));
  const { root } = first;
  await first.stop();
  await expect(ComputeHost.start(options(tinyFiles()))).rejects.toThrow(/a model of another shape/);
  const again = await ComputeHost.start(options(own));
  expect(again.root).toBe(root);
  await again.stop();
});
