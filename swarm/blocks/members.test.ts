import { describe, expect, it } from 'vitest';
import { UNTESTED } from '../../protocol/conformance-report.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { UNKNOWN } from '../../protocol/standing.ts';
import { blockMemberOf, blockMembers, prefixesOf } from './members.ts';

describe('blockMembers', () => {
  const member = (device: DeviceAddress, addresses: readonly string[]) => ({
    device,
    peerId: `peer of ${device}`,
    addresses,
    delegation: null,
    engine: 'none',
    conformance: UNTESTED,
    lastSeen: 0,
  });
  const members = [member('0x01', ['/ip4/8.8.8.8/tcp/1']), member('0x02', []), member('0x03', [])];
  const standings = {
    now: (device: DeviceAddress) =>
      device === '0x01'
        ? ({ kind: 'bound', owner: '0xAA' } as const)
        : device === '0x02'
          ? ({ kind: 'known' } as const)
          : UNKNOWN,
  };

  it('[P-162] counts a device for its owner, and says whether the chain knows it', () => {
    const found = blockMembers(members, { standings, local: false });
    expect(found).toEqual([
      { device: '0x01', peerId: 'peer of 0x01', account: '0xaa', prefixes: ['4:8.8.8'], hasRecord: true },
      { device: '0x02', peerId: 'peer of 0x02', account: '0x02', prefixes: [], hasRecord: true },
      { device: '0x03', peerId: 'peer of 0x03', account: '0x03', prefixes: [], hasRecord: false },
    ]);
    const local = blockMembers(members, { standings, local: true });
    expect(local.map(({ prefixes }) => prefixes)).toEqual([[], [], []]);
    // A device describes itself as the others see it, so that all choose the same keepers.
    expect(members.map((each) => blockMemberOf(each, { standings, local: false }))).toEqual(found);
  });

  it('[P-162] takes the prefixes of public addresses of the device itself', () => {
    expect(
      prefixesOf([
        '/ip4/8.8.8.8/tcp/1',
        '/ip4/8.8.8.9/udp/1/webrtc-direct',
        '/ip6/2a00:1450:4001::1/tcp/1',
        '/ip4/192.168.1.2/tcp/1',
        '/ip4/127.0.0.1/tcp/1',
        '/ip4/9.9.9.9/tcp/1/ws/p2p/16Uiu2HAm5bEXzWC7yQZcY9tYGRZ4ycBqXKvEgHRuHiMVjfkMjwQx/p2p-circuit/webrtc',
        'nonsense',
      ]),
    ).toEqual(['4:8.8.8', '6:42.0.20.80.64.1']);
  });
});
