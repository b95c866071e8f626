import { describe, expect, it } from 'vitest';
import { MemoryNetwork } from '../testing/memory-transport.ts';
import { SimulatedScheduler } from '../testing/simulated-scheduler.ts';
import { decodeResponse, encodeRequest, type Request } from './frames.ts';
import { CHUNK, MAX_CHUNKS } from './manifest.ts';
import { type ContentServiceOptions, startContent } from './service.ts';
import { MemoryStore } from './store.ts';
import type { Channel } from './transport.ts';

const { signal } = new AbortController();

/** A server on simulated time with one file of two chunks. */
async function setUp(options: Partial<ContentServiceOptions> = {}) {
  const network = new MemoryNetwork();
  const scheduler = new SimulatedScheduler();
  const content = await startContent({
    store: new MemoryStore(),
    transport: network.transport('server'),
    scheduler,
    ...options,
  });
  const cid = await content.publishFile(new Uint8Array(CHUNK + 1));
  return { scheduler, cid, open: () => network.transport('client').open('server', signal) };
}

async function ask(channel: Channel, request: Request) {
  await channel.write(encodeRequest(request), signal);
  return decodeResponse(await channel.read(signal));
}

describe('serveContent', () => {
  it('[P-92] answers requests in their order', async () => {
    const { cid, open } = await setUp();
    const channel = await open();
    const indices = [1, 0, 7, 0, 1];
    for (const index of indices) await channel.write(encodeRequest({ kind: 'chunk', index, cid }), signal);
    const answers: string[] = [];
    for (const _ of indices) {
      const { status, index } = decodeResponse(await channel.read(signal));
      answers.push(`${index} ${status}`);
    }
    expect(answers).toEqual(['1 found', '0 found', '7 absent', '0 found', '1 found']);
  });

  it('[P-97] closes a channel after 60 s without a request', async () => {
    const { scheduler, cid, open } = await setUp();
    const channel = await open();
    await scheduler.advance(50_000);
    expect((await ask(channel, { kind: 'manifest', index: 0, cid })).status).toBe('found');
    let ended = false;
    const reading = channel.read(signal).catch(() => {
      ended = true;
    });
    await scheduler.advance(59_900);
    expect(ended).toBe(false);
    await scheduler.advance(200);
    await reading;
    expect(ended).toBe(true);
  });

  it('[P-98] serves 32 channels at once', async () => {
    const { cid, open } = await setUp();
    const channels: Channel[] = [];
    for (let n = 0; n < 32; n++) channels.push(await open());
    const [first] = channels;
    const tooMany = await open();
    await expect(tooMany.read(signal)).rejects.toThrow('ended');
    if (first === undefined) throw new Error('There are 32 channels.');
    expect((await ask(first, { kind: 'manifest', index: 0, cid })).status).toBe('found');
    first.close();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect((await ask(await open(), { kind: 'manifest', index: 0, cid })).status).toBe('found');
  });

  it('[P-99] sends one peer 64 MiB at once and 8 MiB a second, and then says that it is busy', async () => {
    const { scheduler, cid, open } = await setUp();
    const channel = await open();
    const request = { kind: 'chunk', index: 0, cid } as const;
    const found = async (): Promise<number> => {
      for (let count = 0; ; count++) if ((await ask(channel, request)).status !== 'found') return count;
    };
    expect(await found()).toBe((64 * 1024 * 1024) / CHUNK);
    expect((await ask(channel, request)).status).toBe('busy');
    await scheduler.advance(1_000);
    expect(await found()).toBe((8 * 1024 * 1024) / CHUNK);
  });

  it('closes the channel of a peer that sends no request', async () => {
    const { open } = await setUp();
    const channel = await open();
    await channel.write(new Uint8Array(41).fill(9), signal);
    await expect(channel.read(signal)).rejects.toThrow('ended');
  });

  it('[P-94] takes no index that no file has', async () => {
    const { cid, open } = await setUp();
    const channel = await open();
    await channel.write(encodeRequest({ kind: 'chunk', index: MAX_CHUNKS, cid }), signal);
    await expect(channel.read(signal)).rejects.toThrow('ended');
  });
});
