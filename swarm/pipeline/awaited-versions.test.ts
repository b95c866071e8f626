import { describe, expect, it } from 'vitest';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { AwaitedVersions } from './awaited-versions.ts';

const address = (n: number): DeviceAddress => `0x${n.toString(16).padStart(40, '0')}`;

describe('AwaitedVersions', () => {
  it('gives the requests for a step once, and forgets those for steps that are over', () => {
    const awaited = new AwaitedVersions();
    awaited.add(address(1), 'head', 3);
    awaited.add(address(2), 'head', 4);
    awaited.add(address(1), 'embedding', 4);
    awaited.add(address(3), 'embedding', 5);
    expect(awaited.take(4)).toEqual([
      { to: address(2), block: 'head' },
      { to: address(1), block: 'embedding' },
    ]);
    expect(awaited.take(4)).toEqual([]);
    expect(awaited.take(3)).toEqual([]);
    expect(awaited.take(5)).toEqual([{ to: address(3), block: 'embedding' }]);
  });

  it('remembers a device’s last request, and 16 devices for a block', () => {
    const awaited = new AwaitedVersions();
    awaited.add(address(1), 'head', 3);
    awaited.add(address(1), 'head', 7);
    expect(awaited.take(3)).toEqual([]);
    for (let n = 2; n < 40; n++) awaited.add(address(n), 'head', 7);
    expect(awaited.take(7)).toHaveLength(16);
  });
});
