import * as Comlink from 'comlink';
import { afterEach, describe, expect, it } from 'vitest';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import { openMemoryDirectory } from '../models/storage/memory-directory.ts';
import type { RunProgress } from './run-api.ts';
import { connectRuns } from './run-client.ts';
import { createRunService } from './run-service.ts';
import { smallModel } from './testing/small-model.ts';

const MODEL = 'http://model.test/nano/';
const request = {
  model: MODEL,
  steps: 3,
  seed: `0x${'07'.repeat(32)}`,
  learningRate: 0.01,
  rows: 2,
  length: 24,
} as const;

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/**
 * Service and client on the two ends of a real message channel, so that everything is cloned as between
 * threads.
 */
function connect(directory = openMemoryDirectory()) {
  const model = smallModel();
  const { port1, port2 } = new MessageChannel();
  closing.push(() => port1.close());
  Comlink.expose(
    createRunService({
      openFolder: async () => directory,
      openEngine: async () => createWasmEngine({ threads: 1 }),
      fetcher: async (input) => {
        const name = String(input).slice(MODEL.length) as 'config.json';
        return new Response((await model.file(name)) as Uint8Array<ArrayBuffer>);
      },
    }),
    port1 as unknown as Comlink.Endpoint,
  );
  const progress: RunProgress[] = [];
  return {
    client: connectRuns(port2 as unknown as Comlink.Endpoint, (each) => progress.push(each)),
    progress,
  };
}

describe('run worker', () => {
  it('specifies a run, does it, and shows any step of it to another thread', async () => {
    const { client, progress } = connect();
    const { spec, terms } = await client.specify(request);
    const planned = await client.plan(spec, 60_000);
    expect(planned.terms).toEqual(terms);
    expect(planned.slotNames).toHaveLength(terms.slots);
    const run = await client.open({ spec, start: { kind: 'model', url: MODEL }, threads: 1 });
    expect(run.terms).toEqual(terms);
    expect(run.roots).toHaveLength(3);
    // Progress travels on a channel of its own.
    await expect
      .poll(() => progress.map(({ done, steps }) => `${done}/${steps}`))
      .toEqual(['1/3', '2/3', '3/3']);
    const trace = await run.trace(1);
    expect([trace.before, trace.after]).toEqual([run.roots[0], run.roots[1]]);
    expect(trace.roots).toHaveLength(terms.slots);
    const output = run.program.findIndex(({ kind }) => kind === 3);
    const tensor = await trace.tensor(output);
    expect(tensor.length).toBe(4 * (run.program[output]?.node.length ?? 0));
    expect((await run.checkpoint(3)).length).toBeGreaterThan(1000);
    await run.close();
    await expect(run.trace(1)).rejects.toThrow('closed');
  });

  it('goes on where its folder ends, and does nothing twice', async () => {
    const directory = openMemoryDirectory();
    const first = connect(directory);
    const { spec } = await first.client.specify(request);
    const options = { spec, start: { kind: 'model', url: MODEL }, threads: 1, folder: 'a' } as const;
    const done = await first.client.open(options);
    const again = connect(directory);
    const resumed = await again.client.open(options);
    expect(resumed.roots).toEqual(done.roots);
    expect(again.progress).toEqual([]);
    await Promise.all([done.close(), resumed.close()]);
  });

  it('refuses what is no specification, and a start that is another model', async () => {
    const { client } = connect();
    await expect(client.plan(new Uint8Array(9), 60_000)).rejects.toThrow('Not a usable run specification');
    const { spec } = await client.specify(request);
    const start = { kind: 'file', bytes: new Uint8Array(64) } as const;
    await expect(client.open({ spec, start, threads: 1 })).rejects.toThrow();
  });

  it('can be cancelled', async () => {
    const { client } = connect();
    const { spec } = await client.specify({ ...request, steps: 300 });
    const abort = new AbortController();
    const opening = client.open({ spec, start: { kind: 'model', url: MODEL }, threads: 1 }, abort.signal);
    setTimeout(() => abort.abort(new DOMException('Stopped by you.', 'AbortError')), 50);
    await expect(opening).rejects.toThrow('Stopped by you.');
  });
});
