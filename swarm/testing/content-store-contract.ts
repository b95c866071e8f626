/** What every ContentStore must do, as tests. The rules stand with their ids in ../content/store.ts. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { equalBytes } from '../../protocol/bytes.ts';
import {
  CHUNK,
  cidFromDigest,
  encodeManifest,
  type Manifest,
  manifestOf,
  webHash,
} from '../content/manifest.ts';
import { type ContentStore, readFile } from '../content/store.ts';
import { DAG_CBOR, RAW } from '../messages/rollouts.ts';

export interface ContentStoreFixture {
  /** Empty, with room for a few MB. */
  readonly store: ContentStore;
  stop(): Promise<void>;
}

interface TestFile {
  readonly bytes: Uint8Array;
  readonly cid: string;
  readonly manifest: Manifest;
  chunk(index: number): Uint8Array;
}

/** Tests that a store keeps the rules [CS-01] to [CS-06]. `start` makes a fresh one for each test. */
export function describeContentStoreContract(name: string, start: () => Promise<ContentStoreFixture>): void {
  describe(`${name} as a ContentStore`, () => {
    let fixture: ContentStoreFixture;
    beforeEach(async () => {
      fixture = await start();
    });
    afterEach(() => fixture.stop());

    it('[CS-01] has nothing of a CID that was never put', async () => {
      const { store } = fixture;
      const file = await fileOf(1);
      const { cid } = await objectOf(1);
      expect(await store.object(cid)).toBeNull();
      expect(await store.manifest(file.cid)).toBeNull();
      expect(await store.chunk(file.cid, 0)).toBeNull();
      expect(await store.held(file.cid)).toEqual(new Set());
      expect(await readFile(store, file.cid)).toBeNull();
      await store.delete(cid);
      await store.delete(file.cid);
    });

    it('[CS-02] gives back what was put, each under its own CID, and may be put the same again', async () => {
      const { store } = fixture;
      const [a, b] = [await objectOf(100), await objectOf(101)];
      for (const { cid, bytes } of [a, b, a]) await store.putObject(cid, bytes);
      for (const { cid, bytes } of [a, b]) expect(await store.object(cid)).toEqual(bytes);
      const file = await fileOf(CHUNK + 10);
      for (let times = 0; times < 2; times++) {
        await store.putManifest(file.cid, file.manifest);
        for (const index of [0, 1]) await store.putChunk(file.cid, index, file.chunk(index));
      }
      expect(await store.manifest(file.cid)).toEqual(file.manifest);
      const kept = await store.chunk(file.cid, 1);
      expect(kept !== null && equalBytes(kept, file.chunk(1))).toBe(true);
    });

    it('[CS-03] takes chunks in any order, and knows which it holds', async () => {
      const { store } = fixture;
      const file = await fileOf(2 * CHUNK + 3);
      await store.putManifest(file.cid, file.manifest);
      await store.putChunk(file.cid, 2, file.chunk(2));
      await store.putChunk(file.cid, 0, file.chunk(0));
      expect(await store.held(file.cid)).toEqual(new Set([0, 2]));
      expect(await store.chunk(file.cid, 1)).toBeNull();
      expect(await readFile(store, file.cid)).toBeNull();
      await store.putChunk(file.cid, 1, file.chunk(1));
      expect(await store.chunk(file.cid, 3)).toBeNull();
      const whole = await readFile(store, file.cid);
      expect(whole !== null && equalBytes(whole, file.bytes)).toBe(true);
    });

    it('[CS-04] keeps files apart that share chunks', async () => {
      const { store } = fixture;
      const [short, long] = [await fileOf(CHUNK), await fileOf(CHUNK + 1)];
      for (const { cid, manifest } of [short, long]) await store.putManifest(cid, manifest);
      await store.putChunk(short.cid, 0, short.chunk(0));
      expect(await store.held(short.cid)).toEqual(new Set([0]));
      expect(await store.held(long.cid)).toEqual(new Set());
    });

    it('[CS-05] forgets what is deleted, and nothing else', async () => {
      const { store } = fixture;
      const [a, b] = [await objectOf(100), await objectOf(101)];
      const file = await fileOf(20);
      for (const { cid, bytes } of [a, b]) await store.putObject(cid, bytes);
      await store.putManifest(file.cid, file.manifest);
      await store.putChunk(file.cid, 0, file.chunk(0));
      await store.delete(a.cid);
      await store.delete(file.cid);
      expect(await store.object(a.cid)).toBeNull();
      expect(await store.manifest(file.cid)).toBeNull();
      expect(await store.held(file.cid)).toEqual(new Set());
      expect(await store.object(b.cid)).toEqual(b.bytes);
    });

    it('[CS-06] keeps what is pinned, and forgets it when it is deleted', async () => {
      const { store } = fixture;
      const [own, other] = [await objectOf(100), await objectOf(101)];
      await store.pin(own.cid);
      for (const { cid, bytes } of [own, other]) await store.putObject(cid, bytes);
      expect(await store.object(own.cid)).toEqual(own.bytes);
      await store.delete(own.cid);
      expect(await store.object(own.cid)).toBeNull();
    });
  });
}

const bytesOf = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 10)) & 255);

async function objectOf(length: number): Promise<{ readonly cid: string; readonly bytes: Uint8Array }> {
  const bytes = bytesOf(length);
  return { cid: cidFromDigest(await webHash(bytes), DAG_CBOR), bytes };
}

async function fileOf(length: number): Promise<TestFile> {
  const bytes = bytesOf(length);
  const manifest = await manifestOf(bytes, webHash);
  const cid = cidFromDigest(await webHash(encodeManifest(manifest)), RAW);
  return { bytes, cid, manifest, chunk: (index) => bytes.slice(index * CHUNK, (index + 1) * CHUNK) };
}
