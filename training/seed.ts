import type { Hex } from '../protocol/hex.ts';

export class SeedError extends Error {
  override readonly name = 'SeedError';
}

/** The 32 bytes of a round's seed. Throws SeedError on anything else. */
export function seedBytes(seed: Hex): Uint8Array {
  if (!/^0x[0-9a-fA-F]{64}$/.test(seed)) {
    throw new SeedError('A round seed must be 32 bytes in hex: read it from the chain again.');
  }
  return Uint8Array.from({ length: 32 }, (_, index) =>
    Number.parseInt(seed.slice(2 + index * 2, 4 + index * 2), 16),
  );
}
