import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { equalBytes } from '../../protocol/bytes.ts';
import { DAG_CBOR, RAW } from '../messages/rollouts.ts';
import { systemScheduler } from '../scheduler.ts';
import { MemoryNetwork } from '../testing/memory-transport.ts';
import { SimulatedScheduler } from '../testing/simulated-scheduler.ts';
import { ContentError } from './content-error.ts';
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from './frames.ts';
import { CHUNK, cidFromDigest, decodeManifest, encodeManifest, manifestOf, webHash } from './manifest.ts';
import { type ContentServiceOptions, startContent } from './service.ts';
import { MemoryStore, readFile } from './store.ts';
import type { Channel } from './transport.ts';

/** Bytes that differ everywhere, `length` of them. */
function sample(length: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i + 1, 2654435761);
  return new Uint8Array(words.buffer).slice(0, length);
}

async function peer(network: MemoryNetwork, name: string, options: Partial<ContentServiceOptions> = {}) {
  const store = new MemoryStore();
  const transport = network.transport(name);
  const content = await startContent({ store, transport, scheduler: systemScheduler, ...options });
  return { store, content };
}

/** A server that answers each request as `respond` says. */
async function hostile(
  network: MemoryNetwork,
  name: string,
  respond: (request: ReturnType<typeof decodeRequest>, channel: Channel) => Promise<Uint8Array | null>,
): Promise<void> {
  await network.transport(name).serve(async (channel) => {
    const { signal } = new AbortController();
    try {
      for (;;) {
        const response = await respond(decodeRequest(await channel.read(signal)), channel);
        if (response !== null) await channel.write(response, signal);
      }
    } catch {
      channel.close();
    }
  });
}

describe('content', () => {
  it('publishes a file and an object, and fetches both verified', async () => {
    const network = new MemoryNetwork();
    const a = await peer(network, 'a');
    const b = await peer(network, 'b');
    const file = sample(3 * CHUNK + 17);
    const cid = await a.content.publishFile(file);
    const progress: number[] = [];
    const fetched = await b.content.fetchFile(cid, ['a'], { onProgress: (done) => progress.push(done) });
    expect(equalBytes(fetched, file)).toBe(true);
    expect(progress).toEqual(progress.toSorted((x, y) => x - y));
    expect(progress).toHaveLength(5);
    expect(progress.at(-1)).toBe(file.length);
    const object = sample(1000);
    const objectCid = await a.content.publishObject(object);
    expect(equalBytes(await b.content.fetchObject(objectCid, ['a']), object)).toBe(true);
    // What was fetched is served on.
    const c = await peer(network, 'c');
    expect(equalBytes(await c.content.fetchFile(cid, ['b']), file)).toBe(true);
  });

  it('publishes an empty file', async () => {
    const network = new MemoryNetwork();
    const a = await peer(network, 'a');
    const b = await peer(network, 'b');
    const cid = await a.content.publishFile(new Uint8Array());
    expect(await b.content.fetchFile(cid, ['a'])).toEqual(new Uint8Array());
  });

  it('[P-96] puts a file together from peers of which each has other chunks, and says what nobody has', async () => {
    const network = new MemoryNetwork();
    const file = sample(41 * CHUNK + 5);
    const manifest = await manifestOf(file, webHash);
    const cid = cidFromDigest(await webHash(encodeManifest(manifest)), RAW);
    const partly = async (name: string, has: (index: number) => boolean) => {
      const { store, content } = await peer(network, name);
      await store.putManifest(cid, manifest);
      for (let index = 0; index < 42; index++)
        if (has(index)) await store.putChunk(cid, index, file.slice(index * CHUNK, (index + 1) * CHUNK));
      return content;
    };
    await partly('none', () => false);
    await partly('even', (index) => index % 2 === 0);
    await partly('odd', (index) => index % 2 === 1 && index !== 33);
    const reader = await peer(network, 'reader');
    const first = reader.content.fetchFile(cid, ['none', 'even', 'odd']);
    await expect(first).rejects.toThrow(/^1 chunks of .* are missing .*chunk 33 is absent/);
    await partly('last', (index) => index > 30);
    const fetched = await reader.content.fetchFile(cid, ['none', 'even', 'odd', 'last']);
    expect(equalBytes(fetched, file)).toBe(true);
  });

  it('[P-95] gives up a peer that sends a wrong chunk and takes it from another', async () => {
    const network = new MemoryNetwork();
    const a = await peer(network, 'a');
    const b = await peer(network, 'b');
    const file = sample(8 * CHUNK);
    const cid = await a.content.publishFile(file);
    let lies = 0;
    await hostile(network, 'liar', async ({ index }) => {
      lies++;
      return encodeResponse({ status: 'found', index, bytes: new Uint8Array(CHUNK) });
    });
    expect(equalBytes(await b.content.fetchFile(cid, ['liar', 'a']), file)).toBe(true);
    expect(lies).toBeGreaterThan(0);
    await expect((await peer(network, 'c')).content.fetchFile(cid, ['liar'])).rejects.toThrow(ContentError);
  });

  it('[P-96] ends with the error of the own store, whichever chunk that does not take, and can be tried again', async () => {
    const file = sample(6 * CHUNK);
    for (let refused = 0; refused < 6; refused++) {
      const network = new MemoryNetwork();
      const sources = ['a', 'b', 'c'];
      const peers = await Promise.all(sources.map((name) => peer(network, name)));
      const [cid = ''] = await Promise.all(peers.map(({ content }) => content.publishFile(file)));
      const taker = await peer(network, 'taker');
      const put = vi
        .spyOn(taker.store, 'putChunk')
        .mockImplementation((_cid, index) =>
          index === refused ? Promise.reject(new Error('The disk is full.')) : Promise.resolve(),
        );
      await expect(taker.content.fetchFile(cid, sources)).rejects.toThrow('The disk is full.');
      put.mockRestore();
      expect(equalBytes(await taker.content.fetchFile(cid, sources), file)).toBe(true);
    }
  });

  it('[P-95] gives up a silent peer', async () => {
    const network = new MemoryNetwork();
    const a = await peer(network, 'a');
    const b = await peer(network, 'b', { fetch: { timeout: 1_000 } });
    const file = sample(5 * CHUNK);
    const cid = await a.content.publishFile(file);
    await hostile(network, 'silent', async () => null);
    expect(equalBytes(await b.content.fetchFile(cid, ['silent', 'a']), file)).toBe(true);
  });

  it('[P-96] [P-100] keeps verified chunks when the peer leaves, and fetches only the rest later', async () => {
    const network = new MemoryNetwork();
    const a = await peer(network, 'a');
    const b = await peer(network, 'b');
    const file = sample(10 * CHUNK);
    const cid = await a.content.publishFile(file);
    let served = 0;
    const relay = (limit: number) =>
      hostile(network, 'leaver', async ({ kind, index }, channel) => {
        if (kind === 'chunk' && ++served > limit) {
          channel.close();
          return null;
        }
        const manifest = await a.store.manifest(cid);
        const bytes =
          kind === 'manifest' && manifest !== null
            ? encodeManifest(manifest)
            : await a.store.chunk(cid, index);
        return encodeResponse({ status: 'found', index, bytes: bytes ?? new Uint8Array() });
      });
    await relay(6);
    await expect(b.content.fetchFile(cid, ['leaver'])).rejects.toThrow('4 chunks');
    expect((await b.store.held(cid)).size).toBe(6);
    served = 0;
    await relay(100);
    expect(equalBytes(await b.content.fetchFile(cid, ['leaver']), file)).toBe(true);
    expect(served).toBe(4);
  });

  it('[P-92] keeps at most 16 requests in flight to one peer', async () => {
    const network = new MemoryNetwork();
    const a = await peer(network, 'a');
    const b = await peer(network, 'b');
    const file = sample(48 * CHUNK);
    const cid = await a.content.publishFile(file);
    await b.store.putManifest(cid, await manifestOf(file, webHash));
    let most = 0;
    await network.transport('slow').serve(async (channel) => {
      const { signal } = new AbortController();
      const waiting: number[] = [];
      let open = true;
      const read = async (): Promise<void> => {
        for (;;) waiting.push(decodeRequest(await channel.read(signal)).index);
      };
      void read().catch(() => {
        open = false;
      });
      while (open) {
        // Time for the client to send whatever it would.
        await new Promise((resolve) => setTimeout(resolve, 5));
        most = Math.max(most, waiting.length);
        const index = waiting.shift();
        const bytes = index === undefined ? null : await a.store.chunk(cid, index);
        if (index !== undefined && bytes !== null)
          await channel.write(encodeResponse({ status: 'found', index, bytes }), signal);
      }
    });
    expect(equalBytes(await b.content.fetchFile(cid, ['slow']), file)).toBe(true);
    expect(most).toBe(16);
  });

  it('[P-96] asks up to 4 peers at once', async () => {
    const network = new MemoryNetwork();
    const a = await peer(network, 'a');
    const b = await peer(network, 'b', { fetch: { timeout: 2_000 } });
    const file = sample(40 * CHUNK);
    const cid = await a.content.publishFile(file);
    await b.store.putManifest(cid, await manifestOf(file, webHash));
    const asked = new Set<string>();
    for (const name of ['s1', 's2', 's3', 's4', 's5']) {
      await hostile(network, name, async () => {
        asked.add(name);
        return null;
      });
    }
    const fetching = b.content.fetchFile(cid, ['s1', 's2', 's3', 's4', 's5']);
    await vi.waitFor(() => expect(asked.size).toBe(4), { timeout: 60_000, interval: 5 });
    expect(asked).toEqual(new Set(['s1', 's2', 's3', 's4']));
    await expect(fetching).rejects.toThrow('40 chunks');
    expect(asked.size).toBe(5);
  });

  it('[P-93] publishes objects of up to 1 MiB', async () => {
    const { content } = await peer(new MemoryNetwork(), 'a');
    await expect(content.publishObject(new Uint8Array(1024 * 1024))).resolves.toMatch(/^bafy/);
    await expect(content.publishObject(new Uint8Array(1024 * 1024 + 1))).rejects.toThrow(ContentError);
  });

  it('stops at the signal', async () => {
    const network = new MemoryNetwork();
    const b = await peer(network, 'b');
    const a = await peer(network, 'a');
    const cid = await a.content.publishFile(sample(CHUNK));
    await hostile(network, 'silent', async () => null);
    const cancel = new AbortController();
    const fetching = b.content.fetchFile(cid, ['silent'], { signal: cancel.signal });
    cancel.abort(new Error('enough'));
    await expect(fetching).rejects.toThrow('enough');
  });

  it('[P-90] [P-91] [P-94] decodes arbitrary bytes to their one value or a ContentError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        for (const [decode, encode] of [
          [decodeRequest, encodeRequest],
          [decodeResponse, encodeResponse],
          [decodeManifest, encodeManifest],
        ] as const) {
          let value: ReturnType<typeof decode>;
          try {
            value = decode(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(ContentError);
            continue;
          }
          expect((encode as (input: typeof value) => Uint8Array)(value)).toEqual(bytes);
        }
      }),
    );
  });

  it('[P-94] has one manifest for one file', async () => {
    const manifest = await manifestOf(sample(CHUNK + 1), webHash);
    expect(manifest.hashes).toHaveLength(64);
    expect(decodeManifest(encodeManifest(manifest))).toEqual(manifest);
  });

  it('[P-120] ends a fetch in its total time, whoever answers slowly: an object in 1 min, a file in 15', async () => {
    const network = new MemoryNetwork();
    const scheduler = new SimulatedScheduler();
    const file = await manifestOf(new Uint8Array(CHUNK), webHash);
    // A file of 4,000 equal chunks, of which the server sends one every 4.9 s.
    const hashes = new Uint8Array(4_000 * 32);
    for (let n = 0; n < 4_000; n++) hashes.set(file.hashes, 32 * n);
    const manifest = encodeManifest({ size: 4_000 * CHUNK, hashes });
    await hostile(network, 'slow', async ({ kind, index }) => {
      await new Promise<void>((resolve) => scheduler.after(4_900, resolve));
      if (kind === 'object') return encodeResponse({ status: 'busy', index, bytes: new Uint8Array() });
      const bytes = kind === 'manifest' ? manifest : new Uint8Array(CHUNK);
      return encodeResponse({ status: 'found', index, bytes });
    });
    // WebCrypto would answer outside of simulated time.
    const hash = async (bytes: Uint8Array) => sha256(bytes);
    const { content } = await peer(network, 'a', { scheduler, hash });
    const fileCid = cidFromDigest(await hash(manifest), RAW);
    for (const [fetch, ms] of [
      [() => content.fetchObject(cidFromDigest(new Uint8Array(32), DAG_CBOR), ['slow']), 60_000],
      [() => content.fetchFile(fileCid, ['slow']), 15 * 60_000],
    ] as const) {
      let outcome = 'pending';
      const ended = fetch().then(
        () => undefined,
        (error: unknown) => {
          outcome = error instanceof Error ? error.name : 'other';
        },
      );
      const begun = scheduler.now();
      while (outcome === 'pending' && scheduler.now() - begun < 2 * ms) {
        await scheduler.advance(1_000);
      }
      await ended;
      expect(outcome).toBe('TimeoutError');
      expect(Math.abs(scheduler.now() - begun - ms)).toBeLessThan(3_000);
    }
  });

  it('[P-121] keeps the device’s own checkpoint and answers while strangers reveal 64 MiB', async () => {
    const network = new MemoryNetwork();
    const store = new MemoryStore(64 * 1024 * 1024);
    const me = await peer(network, 'me', { store });
    const stranger = await peer(network, 'stranger', { store: new MemoryStore(2 ** 30) });
    const checkpoint = await me.content.publishFile(sample(1_300_000));
    const answers = await me.content.publishObject(sample(1_000));
    for (let n = 0; n < 70; n++) {
      const revealed = new Uint8Array(1024 * 1024).fill(n);
      await me.content.fetchObject(await stranger.content.publishObject(revealed), ['stranger']);
    }
    expect(await readFile(store, checkpoint)).toHaveLength(1_300_000);
    expect(await store.object(answers)).toHaveLength(1_000);
  });
});
