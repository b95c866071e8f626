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
  const open = (name = 'client') => network.transport(name).open('server', signal);
  return { network, scheduler, cid, open };
}

async function ask(channel: Channel, request: Request) {
  await channel.write(encodeRequest(request), signal);
  return decodeResponse(await channel.read(signal));
}

/** How many of `most` requests in a row are answered with the chunk. */
async function countFound(channel: Channel, cid: string, most: number): Promise<number> {
  for (let count = 0; count < most; count++)
    if ((await ask(channel, { kind: 'chunk', index: 0, cid })).status !== 'found') return count;
  return most;
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

  it('[P-97] closes a channel after 10 s without a request', async () => {
    const { scheduler, cid, open } = await setUp();
    const channel = await open();
    await scheduler.advance(9_000);
    expect((await ask(channel, { kind: 'manifest', index: 0, cid })).status).toBe('found');
    let ended = false;
    const reading = channel.read(signal).catch(() => {
      ended = true;
    });
    await scheduler.advance(9_900);
    expect(ended).toBe(false);
    await scheduler.advance(200);
    await reading;
    expect(ended).toBe(true);
  });

  describe('among strangers', () => {
    const known = { requesterOf: (peerId: string) => ({ hasRecord: peerId === 'known', account: peerId }) };

    it('[P-98] serves an honest peer while 8 strangers hold 4 silent channels each', async () => {
      const { network, scheduler, cid, open } = await setUp();
      for (let n = 0; n < 32; n++) await open(`stranger ${n % 8}`);
      const honest = await startContent({
        store: new MemoryStore(),
        transport: network.transport('honest'),
        scheduler,
      });
      expect(await honest.fetchFile(cid, ['server'])).toHaveLength(CHUNK + 1);
      expect(scheduler.now()).toBe(0);
    });

    it('[P-98] serves it after 2 s while 24 strangers hold a channel each, and a known peer at once', async () => {
      const { scheduler, cid, open } = await setUp({ serve: known });
      for (let n = 0; n < 24; n++) await open(`stranger ${n}`);
      await expect((await open('honest')).read(signal)).rejects.toThrow('ended');
      for (let n = 0; n < 4; n++) {
        expect((await ask(await open('known'), { kind: 'manifest', index: 0, cid })).status).toBe('found');
      }
      await scheduler.advance(2_000);
      expect((await ask(await open('honest'), { kind: 'manifest', index: 0, cid })).status).toBe('found');
    });

    it('[P-98] serves 4 channels of one peer, and ends the oldest for another of its own', async () => {
      const { cid, open } = await setUp();
      const channels: Channel[] = [];
      for (let n = 0; n < 5; n++) channels.push(await open());
      const [first, ...others] = channels;
      await expect(first?.read(signal)).rejects.toThrow('ended');
      for (const channel of others) {
        expect((await ask(channel, { kind: 'manifest', index: 0, cid })).status).toBe('found');
      }
    });

    it('[P-99] sends all strangers together twice what it sends one peer', async () => {
      const { cid, open } = await setUp({
        serve: { ...known, bytesPerPeer: { perSecond: 0, burst: 2 * CHUNK } },
      });
      const counts: number[] = [];
      for (const name of ['a', 'b', 'c']) counts.push(await countFound(await open(name), cid, 5));
      expect(counts).toEqual([2, 2, 0]);
    });

    it('[P-99] sends a peer with a record its own part, and more while no other with a record is served', async () => {
      const { scheduler, cid, open } = await setUp({
        serve: {
          requesterOf: (peerId) => ({ hasRecord: peerId !== 'stranger', account: peerId }),
          bytesPerPeer: { perSecond: 0, burst: 2 * CHUNK },
        },
      });
      const [a, b, stranger] = [await open('a'), await open('b'), await open('stranger')];
      expect(await countFound(stranger, cid, 5)).toBe(2);
      expect(await countFound(b, cid, 5)).toBe(2);
      expect(await countFound(a, cid, 5)).toBe(2);
      await scheduler.advance(2_000);
      expect(await countFound(stranger, cid, 5)).toBe(0);
      expect(await countFound(a, cid, 5)).toBe(5);
      expect(await countFound(b, cid, 5)).toBe(0);
    });
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
