import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { folderSource } from '../../models/loading/folder-source.ts';
import { openFileDirectory } from '../../models/storage/file-directory.ts';
import { must } from '../../protocol/must.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import { smallSpec } from '../../protocol/testing/sample-swarm-specs.ts';
import type { PeerRollouts, Trainer } from '../../protocol/trainer.ts';
import { BUILTIN_MODELS } from '../../training/builtin-models.ts';
import { DEFAULT_RETENTION, openCheckpointRetention } from '../../training/checkpoint-retention.ts';
import { learningSettingsOf } from '../../training/swarm-settings.ts';
import { NANO_SELECTION } from '../../training/tasks/catalogue.ts';
import { ComputeHost } from '../../workers/compute-host.ts';
import { ComputeError } from '../../workers/plain-error.ts';
import { keptFolder } from './compute-service.ts';
import { openRoundComputer, type RoundComputerOptions } from './round-computer.ts';

const nano = fileURLToPath(new URL('../../public/models/nano', import.meta.url));
const device = `0x${'0a'.repeat(20)}` as const;
const { root, name } = must(BUILTIN_MODELS, 0);
const spec: SwarmSpec = {
  ...smallSpec,
  base: { kind: 'builtin', name, root },
  tasks: NANO_SELECTION,
  round: { ...smallSpec.round, itemsAnswered: 2, samplesPerItem: 4, heldOutItems: 8 },
};
const folder = await mkdtemp(join(tmpdir(), 'starling-rounds-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

let opened = 0;
const optionsOf = (changes: Partial<RoundComputerOptions> = {}): RoundComputerOptions => ({
  ...{ device, spec, model: nano, dataSets: new Map(), deviceClass: 'full', engine: 'wasm', threads: 1 },
  checkpoints: join(folder, `checkpoints-${++opened}`),
  retention: DEFAULT_RETENTION,
  verdicts: join(folder, 'verdicts'),
  onNotice: () => undefined,
  onCrash: (error) => expect.unreachable(error.message),
  ...changes,
});

const { signal } = new AbortController();
const contextOf = (round: number) => ({ round, seed: `0x${'5e'.repeat(32)}`, device }) as const;

/** One round alone. Resolves with the root of its checkpoint. */
async function train(trainer: Trainer, round: number): Promise<string> {
  const set = await trainer.answer(contextOf(round), signal);
  const own: PeerRollouts = { author: device, cid: 'own', set };
  return (await trainer.train(contextOf(round), own, [], signal)).checkpointRoot;
}

describe('what computes a device’s rounds', () => {
  it('gives the bits of this thread, which hears others meanwhile, and goes on from its checkpoint', async () => {
    const host = await ComputeHost.start({
      ...{ device, swarm: spec, settings: learningSettingsOf(spec, 'full'), engine: 'wasm' },
      model: folderSource(nano),
      store: { load: async () => undefined, save: async () => undefined },
      chooseEngine: async () => ({
        engine: await createWasmEngine({ threads: 1 }),
        ...{ reason: '', verdicts: [] },
      }),
    });
    const expected = [await train(host, 0), await train(host, 1)];
    await host.stop();

    const options = optionsOf();
    const computer = await openRoundComputer(options);
    expect(computer).toMatchObject({ cursor: 0, speed: expect.any(Number) });
    expect(computer.engine()).toMatchObject({ kind: 'wasm' });
    let isOver = false;
    let turns = 0;
    const training = train(computer.trainer, 0).finally(() => {
      isOver = true;
    });
    for (; !isOver; turns++) await setImmediate();
    expect(turns).toBeGreaterThan(100);
    expect(await training).toBe(expected[0]);
    await computer.stop();

    const again = await openRoundComputer(options);
    expect(again.cursor).toBe(1);
    expect(await train(again.trainer, 1)).toBe(expected[1]);
    await again.stop();
  });

  it('keeps checkpoints for others where the main thread serves them from', async () => {
    const options = optionsOf();
    const computer = await openRoundComputer(options);
    await train(computer.trainer, 0);
    await computer.stop();
    const directory = await openFileDirectory(keptFolder(options.checkpoints));
    const kept = await openCheckpointRetention({ directory, policy: options.retention }).list();
    expect(kept.map(({ round }) => round)).toEqual([0]);
  });

  it('ends a call on request', async () => {
    const computer = await openRoundComputer(optionsOf());
    const ending = new AbortController();
    const answering = computer.trainer.answer(contextOf(0), ending.signal);
    ending.abort(new Error('enough'));
    await expect(answering).rejects.toThrow('enough');
    await computer.stop();
  });

  it('says why it cannot start, and ends its thread', async () => {
    const nowhere = openRoundComputer(optionsOf({ model: join(folder, 'nowhere') }));
    await expect(nowhere).rejects.toThrow(ComputeError);
    await expect(nowhere).rejects.toThrow('choose a folder with a whole model');
    const critic = openRoundComputer(optionsOf({ critic: join(folder, 'no.onnx') }));
    await expect(critic).rejects.toThrow('check --critic');
  });
});
