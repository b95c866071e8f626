import { describe, expect, it } from 'vitest';
import { CHUNK_BYTES, ManifestBuilder, manifestBytes } from './file-manifest.ts';
import { toHex } from './hex.ts';
import { sha256Of } from './sha256-of.ts';

const bytesOf = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => (Math.imul(at + 1, 2654435761) >>> 24) & 255);

async function cidIn(pieces: readonly Uint8Array[]): Promise<string> {
  const builder = new ManifestBuilder();
  for (const piece of pieces) await builder.update(piece);
  return builder.cid();
}

describe('the name of a file in chunks', () => {
  it('[P-94] is that of size and chunk hashes, in whatever pieces the bytes come', async () => {
    const bytes = bytesOf(2 * CHUNK_BYTES + 5);
    const whole = await cidIn([bytes]);
    const cuts = [0, 7, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES + 4, bytes.length];
    const pieces = cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end));
    expect(await cidIn(pieces)).toBe(whole);
    expect(await cidIn([bytes.subarray(0, -1)])).not.toBe(whole);
    const [a = '', b = '', c = ''] = [0, 1, 2].map((index) =>
      toHex(sha256Of(bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES))).slice(2),
    );
    const hashes = Uint8Array.from(Buffer.from(a + b + c, 'hex'));
    const manifest = manifestBytes(bytes.length, hashes);
    expect(toHex(manifest.subarray(0, 8))).toBe('0x0000000000080005');
    // bafkrei: CIDv1, raw, sha2-256 of 32 bytes.
    expect(whole).toMatch(/^bafkrei[a-z2-7]{52}$/);
  });
});
