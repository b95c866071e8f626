import { describe, expect, it } from 'vitest';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { DAG_CBOR, RAW } from '../messages/rollouts.ts';
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from './frames.ts';
import { CHUNK, cidFromDigest, encodeManifest, manifestOf, parseCid, webHash } from './manifest.ts';

const digest = sha256Of(Uint8Array.of(1));
const file = cidFromDigest(digest, RAW);
const object = cidFromDigest(digest, DAG_CBOR);

describe('a request', () => {
  it('[P-90] has 41 bytes: kind, index big-endian, CID', () => {
    const cidBytes = (code: number): number[] => [0x01, code, 0x12, 0x20, ...digest];
    for (const [request, bytes] of [
      [{ kind: 'manifest', index: 0, cid: file }, [0, 0, 0, 0, 0, ...cidBytes(0x55)]],
      [{ kind: 'chunk', index: 0x0102, cid: file }, [1, 0, 0, 1, 2, ...cidBytes(0x55)]],
      [{ kind: 'object', index: 0, cid: object }, [2, 0, 0, 0, 0, ...cidBytes(0x71)]],
    ] as const) {
      expect(bytes).toHaveLength(41);
      expect([...encodeRequest(request)]).toEqual(bytes);
      expect(decodeRequest(Uint8Array.from(bytes))).toEqual(request);
    }
  });
});

describe('a response', () => {
  it('[P-91] has status, index big-endian, and the bytes', () => {
    for (const [code, status] of (['found', 'absent', 'busy'] as const).entries()) {
      const response = { status, index: 0x0304, bytes: Uint8Array.of(9, 8) };
      expect([...encodeResponse(response)]).toEqual([code, 0, 0, 3, 4, 9, 8]);
      expect(decodeResponse(encodeResponse(response))).toEqual(response);
    }
  });
});

describe('a manifest', () => {
  it('[P-94] has the size big-endian and the sha2-256 of every chunk, and its own sha2-256 names the file', async () => {
    const bytes = new Uint8Array(CHUNK + 3).fill(5);
    const manifest = encodeManifest(await manifestOf(bytes, webHash));
    expect([...manifest.subarray(0, 8)]).toEqual([0, 0, 0, 0, 0, 4, 0, 3]);
    expect(manifest.subarray(8, 40)).toEqual(sha256Of(bytes.subarray(0, 262_144)));
    expect(manifest.subarray(40)).toEqual(sha256Of(bytes.subarray(262_144)));
    const cid = cidFromDigest(sha256Of(manifest), RAW);
    expect(parseCid(cid)).toMatchObject({ kind: 'file', digest: sha256Of(manifest) });
  });
});
