import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equalBytes } from '../../protocol/bytes.ts';
import { systemScheduler } from '../scheduler.ts';
import { MemoryNetwork } from '../testing/memory-transport.ts';
import { ContentError } from './content.ts';
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from './frames.ts';
import { CHUNK, decodeManifest, encodeManifest, manifestOf, webHash } from './manifest.ts';
import { type ContentServiceOptions, startContent } from './service.ts';
import { MemoryStore } from './store.ts';
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

describe('content', { timeout: 30_000 }, () => {
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

  it('gives up a peer that sends a wrong chunk and takes it from another', async () => {
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

  it('gives up a silent peer', async () => {
    const network = new MemoryNetwork();
    const a = await peer(network, 'a');
    const b = await peer(network, 'b', { fetch: { timeout: 50 } });
    const file = sample(5 * CHUNK);
    const cid = await a.content.publishFile(file);
    await hostile(network, 'silent', async () => null);
    expect(equalBytes(await b.content.fetchFile(cid, ['silent', 'a']), file)).toBe(true);
  });

  it('keeps verified chunks when the peer leaves, and fetches only the rest later', async () => {
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

  it('tells a peer over its quota that it is busy', async () => {
    const network = new MemoryNetwork();
    const quota = { perSecond: 0, burst: 2 * CHUNK + 1000 };
    const a = await peer(network, 'a', { serve: { bytesPerPeer: quota } });
    const cid = await a.content.publishFile(sample(4 * CHUNK));
    const statuses: string[] = [];
    const { signal } = new AbortController();
    const channel = await network.transport('greedy').open('a', signal);
    for (let index = 0; index < 4; index++) {
      await channel.write(encodeRequest({ kind: 'chunk', index, cid }), signal);
      statuses.push(decodeResponse(await channel.read(signal)).status);
    }
    expect(statuses).toEqual(['found', 'found', 'busy', 'busy']);
  });

  it('closes the channel of a peer that sends no request', async () => {
    const network = new MemoryNetwork();
    await peer(network, 'a');
    const { signal } = new AbortController();
    const channel = await network.transport('odd').open('a', signal);
    await channel.write(new Uint8Array(41).fill(9), signal);
    await expect(channel.read(signal)).rejects.toThrow('ended');
  });

  it('decodes arbitrary bytes to a value or a ContentError, and never another value than encodes to them', () => {
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

  it('has one manifest for one file', async () => {
    const manifest = await manifestOf(sample(CHUNK + 1), webHash);
    expect(manifest.hashes).toHaveLength(64);
    expect(decodeManifest(encodeManifest(manifest))).toEqual(manifest);
  });
});
