import { describe, expect, it } from 'vitest';
import type { Hex } from '../../protocol/hex.ts';
import { OwnAttestations } from './own-attestations.ts';

const rootOf = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`;
const at = (round: number, root: number) => ({ round, checkpointRoot: rootOf(root) });

describe('a device’s own attestations', () => {
  it('knows its own, and those of an earlier start', () => {
    const own = new OwnAttestations();
    expect(own.isForeign(at(3, 9))).toBe(false);
    own.trained(5, rootOf(1));
    own.trained(6, rootOf(0xab));
    expect(own.isForeign(at(4, 9))).toBe(false);
    expect(own.isForeign(at(5, 1))).toBe(false);
    expect(
      own.isForeign({ round: 6, checkpointRoot: rootOf(0xab).toUpperCase().replace('0X', '0x') as Hex }),
    ).toBe(false);
  });

  it('tells another root of the same round, and a round that it never trained', () => {
    const own = new OwnAttestations();
    own.trained(5, rootOf(1));
    expect(own.isForeign(at(5, 2))).toBe(true);
    expect(own.isForeign(at(6, 3))).toBe(true);
  });
});
