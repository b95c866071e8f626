import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodePipelineMessage } from '../pipeline/runtime/messages.ts';
import { CodecError } from '../protocol/codec.ts';
import { fromHex } from '../protocol/hex.ts';
import { ContentError } from '../swarm/content/content-error.ts';
import { decodeRequest, decodeResponse } from '../swarm/content/frames.ts';
import { decodeManifest } from '../swarm/content/manifest.ts';
import { Reassembly, SliceError } from '../swarm/striping/slices.ts';
import { copyPeer, type PeerFolder } from './testing/peer-folder.ts';
import {
  makeRefusalVectors,
  readRefusalVectors,
  verdictOn,
  writeRefusalVectors,
} from './testing/refusal-vectors.ts';
import { makeRoundVectors, readRoundVectors, writeRoundVectors } from './testing/round-vectors.ts';
import { makeStreamVectors, readStreamVectors, writeStreamVectors } from './testing/stream-vectors.ts';

const run = promisify(execFile);
const vectors = fileURLToPath(new URL('../docs/vectors', import.meta.url));

if (process.env.UPDATE_VECTORS === '1')
  await Promise.all([writeRefusalVectors(), writeRoundVectors(), writeStreamVectors()]);

let peer: PeerFolder;
beforeAll(async () => {
  peer = await copyPeer();
});
afterAll(() => peer.remove());

describe('docs/vectors/rounds.json', () => {
  it('[P-211] [P-212] [P-213] [P-214] [P-216] is what our own rooms make', async () => {
    expect(await readRoundVectors()).toEqual(JSON.parse(JSON.stringify(await makeRoundVectors())));
  });
});

describe('docs/vectors/streams.json', () => {
  it('[P-90] [P-91] [P-94] [P-171] is what our own rooms make', async () => {
    expect(await readStreamVectors()).toEqual(JSON.parse(JSON.stringify(await makeStreamVectors())));
  });

  it('[P-90] [P-91] [P-94] [P-143] [P-172] has nothing refused that our own rooms take', async () => {
    const vectors = await makeStreamVectors();
    for (const { why, bytes } of vectors.refusedRequests)
      expect(() => decodeRequest(fromHex(bytes)), why).toThrow(ContentError);
    for (const { why, frame } of vectors.refusedResponses)
      expect(() => decodeResponse(fromHex(frame)), why).toThrow(ContentError);
    for (const { why, manifest } of vectors.refusedManifests)
      expect(() => decodeManifest(fromHex(manifest)), why).toThrow(ContentError);
    for (const { why, bytes } of vectors.refusedPipelineMessages)
      expect(() => decodePipelineMessage(fromHex(bytes)), why).toThrow(CodecError);
    for (const { why, slices } of vectors.refusedSlices) {
      const messages = new Reassembly({ message: 16 * 2 ** 20, open: 64, bytes: 64 * 2 ** 20 });
      const all = slices.map(fromHex);
      for (const slice of all.slice(0, -1)) messages.add(slice);
      expect(() => messages.add(all.at(-1) ?? new Uint8Array()), why).toThrow(SliceError);
    }
  });
});

describe('docs/vectors/refusals.json', () => {
  it('[P-50] is what our own rooms make', async () => {
    expect(await readRefusalVectors()).toEqual(JSON.parse(JSON.stringify(makeRefusalVectors())));
  });

  it.each(makeRefusalVectors().messages)(
    '[P-51] [P-52] [P-53] [P-54] [P-55] [P-57] [P-59] [P-60] [P-118] $reason: $why',
    async (vector) => {
      expect(await verdictOn(vector)).toBe(vector.reason);
    },
  );
});

describe('the second implementation', () => {
  it('says in a sentence which network file it cannot read', async () => {
    const ended = run(process.execPath, [peer.program('run.mjs'), '--network', 'nowhere.json']);
    await expect(ended).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^nowhere\.json is no network file: .*Name one with --network\.\n$/),
    });
  });

  it('imports npm packages that package.json names and nothing of ours', async () => {
    const folder = new URL('peer/', import.meta.url);
    const { dependencies } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    const files = await readdir(folder);
    const imports = await Promise.all(
      files.map(async (name) => {
        const text = await readFile(new URL(name, folder), 'utf8');
        const found = [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g)];
        return found.map(([, specifier = '']) => specifier);
      }),
    );
    const foreign = imports.flat().filter((specifier) => {
      if (specifier.startsWith('node:')) return false;
      if (specifier.startsWith('./')) return !files.includes(specifier.slice(2));
      const [scope = '', name = ''] = specifier.split('/');
      return !Object.hasOwn(dependencies, scope.startsWith('@') ? `${scope}/${name}` : scope);
    });
    expect(imports.flat().length).toBeGreaterThan(20);
    expect(foreign).toEqual([]);
  });

  it('[P-34] [P-52] [P-216] [S-03] [S-04] reads and writes every vector with the same bytes, and refuses what must be refused', async () => {
    const { stdout } = await run(process.execPath, [peer.program('check-vectors.mjs'), vectors]);
    const passed = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).vector as string);
    const messages = JSON.parse(await readFile(`${vectors}/messages.json`, 'utf8'));
    const handoffs = JSON.parse(await readFile(`${vectors}/handoffs.json`, 'utf8'));
    const refusals = JSON.parse(await readFile(`${vectors}/refusals.json`, 'utf8'));
    const streams = JSON.parse(await readFile(`${vectors}/streams.json`, 'utf8'));
    const whys = (of: string, refused: readonly { why: string }[]) =>
      refused.map(({ why }) => `${of}: ${why}`);
    const specifications = JSON.parse(await readFile(`${vectors}/swarm-spec.json`, 'utf8'));
    expect(passed).toEqual([
      ...['key', 'rollout set', 'state record'],
      ...messages.messages.flatMap(({ type }: { type: string }) => [
        `message ${type}`,
        `message ${type}, changed`,
      ]),
      'commit of the reveal',
      ...messages.refused.map(({ why }: { why: string }) => `refused: ${why}`),
      ...handoffs.handoffs.map(({ name }: { name: string }) => `handoff ${name}`),
      ...['clock', 'philox', 'stream', 'pool', 'drawn items', 'signatures inside'],
      ...specifications.accepted.map(({ spec }: { spec: { name: string } }) => `specification ${spec.name}`),
      ...specifications.refused.map(({ why }: { why: string }) => `refused specification: ${why}`),
      ...refusals.messages.map(
        ({ why, reason = 'taken' }: { why: string; reason?: string }) => `${reason}: ${why}`,
      ),
      ...streams.requests.map(({ kind }: { kind: string }) => `request of a ${kind}`),
      ...streams.responses.map(({ status }: { status: string }) => `response ${status}`),
      ...streams.manifests.map(({ size }: { size: number }) => `manifest of ${size} bytes`),
      ...whys('refused request', streams.refusedRequests),
      ...whys('refused response', streams.refusedResponses),
      ...whys('refused manifest', streams.refusedManifests),
      ...streams.pipelineMessages.map(({ kind }: { kind: string }) => `pipeline ${kind}`),
      ...whys('refused pipeline message', streams.refusedPipelineMessages),
      ...streams.slicedMessages.map(({ length }: { length: number }) => `slices of ${length} bytes`),
      ...whys('refused slice', streams.refusedSlices),
    ]);
  });
});
