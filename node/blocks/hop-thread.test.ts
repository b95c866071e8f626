import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { folderSource } from '../../models/loading/folder-source.ts';
import { must } from '../../protocol/must.ts';
import { type BlockRunSettings, openBlockRun } from '../../training/blocks/open-block-run.ts';
import { NANO_SELECTION } from '../../training/tasks/catalogue.ts';
import { ComputeError } from '../../workers/plain-error.ts';
import { type BlockComputer, computerOf, type NodeModel } from './block-computer.ts';
import { openHopThread } from './hop-thread.ts';

const nano = fileURLToPath(new URL('../../public/models/nano', import.meta.url));
const model: NodeModel = { kind: 'folder', folder: nano };
const settings: BlockRunSettings = {
  blocks: {
    ...{ layersPerBlock: 1, skipped: 0, fullEvery: 0 },
    ...{ microbatches: 2, rows: 2, length: 16, boundary: 'f32' },
  },
  seed: `0x${'11'.repeat(32)}`,
  tasks: NANO_SELECTION,
  learningRate: 1e-2,
};
const dataSets = new Map<string, Uint8Array>();
const verdicts = await mkdtemp(join(tmpdir(), 'starling-verdicts-'));
afterAll(() => rm(verdicts, { recursive: true, force: true }));

const openThread = (of: NodeModel) =>
  openHopThread({
    run: { model: of, settings, dataSets },
    ...{ verdicts, engine: 'wasm', threads: 1 },
    onCrash: (error) => expect.unreachable(error.message),
  });

describe('a thread that computes hops', () => {
  it('gives the bits of an engine of this thread, which hears others meanwhile', async () => {
    const opened = await openBlockRun({ source: folderSource(nano), settings, dataSets });
    const first = must(opened.run.plan.blocks, 0).id;
    const hop = must(opened.run.step(0).hops, 0);
    expect(hop.block).toBe(first);
    const here = computerOf(await createWasmEngine({ threads: 1 }), { model, settings, dataSets, opened });
    const thread = await openThread(model);
    const outputsOf = async ({ worker }: BlockComputer) => {
      await worker.begin(first);
      return worker.compute(0, hop.index, new Map());
    };
    let isOver = false;
    let turns = 0;
    const computing = outputsOf(thread).finally(() => {
      isOver = true;
    });
    for (; !isOver; turns++) await setImmediate();
    expect(turns).toBeGreaterThan(10);
    const outputs = await computing;
    expect(outputs.size).toBeGreaterThan(0);
    expect(outputs).toEqual(await outputsOf(here));
    await here.stop();
    await thread.stop();
  });

  it('says why it cannot open the run, and ends', async () => {
    const opening = openThread({ kind: 'folder', folder: join(verdicts, 'nowhere') });
    await expect(opening).rejects.toThrow(ComputeError);
    await expect(opening).rejects.toThrow('choose a folder with a whole model');
  });
});
