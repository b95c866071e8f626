import { fromHex, type Hex } from '../protocol/hex.ts';

export class SeedError extends Error {
  override readonly name = 'SeedError';
}

/** The 32 bytes of a round's seed. Throws SeedError on anything else. */
export function seedBytes(seed: Hex): Uint8Array {
  if (!/^0x[0-9a-fA-F]{64}$/.test(seed)) {
    throw new SeedError('A round seed must be 32 bytes in hex: read it from the chain again.');
  }
  return fromHex(seed);
}
