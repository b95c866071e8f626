import { describe, expect, it } from 'vitest';
import { deviceKey } from '../../protocol/device-key.ts';
import { type DialRules, dialTarget, mayDial } from './dial-target.ts';

const [PEER, RELAY, OTHER] = [1, 2, 3].map((i) => deviceKey(new Uint8Array(32).fill(i)).peerId) as [
  string,
  string,
  string,
];
const THROUGH = `/p2p/${RELAY}/p2p-circuit/webrtc/p2p/${PEER}`;
const rules: DialRules = { tcp: true, loopback: false, carries: (peerId) => peerId === RELAY };
const NOWHERE: ReadonlySet<string> = new Set();

describe('dialTarget', () => {
  it.each([
    '/ip4/127.0.0.1/tcp/80/ws',
    '/ip4/127.0.0.1/tcp/80/ws/http-path/admin%2Freboot',
    '/ip4/127.0.0.1/tcp/80/http-path/admin/ws',
    '/ip4/203.0.113.9/tcp/443/tls/ws',
    '/dns4/localhost/tcp/80',
    '/dns4/router.local/tcp/80',
    '/dns/rebinding.example/tcp/80',
    '/dnsaddr/bootstrap.example',
    '/unix/%2Frun%2Fdocker.sock',
    '/ip4/203.0.113.9/udp/9/webrtc-direct',
    '/ip6zone/eth0/ip6/fe80::1/tcp/1',
    '/ip4/0.0.0.0/tcp/1',
    '/ip4/203.0.113.9/tcp/0',
    `/ip4/203.0.113.9/tcp/1/p2p/${OTHER}`,
    `/p2p/${RELAY}/p2p-circuit/webrtc/p2p/${OTHER}`,
    `/p2p/${RELAY}/p2p-circuit/p2p/${PEER}`,
    `/p2p/${RELAY}/p2p-circuit/webrtc`,
    'no address',
  ])('[P-18] takes no %s', (text) => {
    expect(dialTarget(text, PEER)).toBeNull();
  });

  it('[P-18] takes TCP at an IP address, with and without the peer’s id', () => {
    const bare = dialTarget('/ip4/203.0.113.9/tcp/4001', PEER);
    expect(bare).toMatchObject({ kind: 'tcp', host: '203.0.113.9', prefix: '4:203.0.113', scope: 'public' });
    expect(dialTarget(`/ip4/203.0.113.9/tcp/4001/p2p/${PEER}`, PEER)).toEqual(bare);
  });

  it('[P-18] goes to a relay by the node’s own way, whatever address the hello names for it', () => {
    const target = dialTarget(`/ip4/127.0.0.1/tcp/22${THROUGH}`, PEER);
    expect(target).toMatchObject({ kind: 'relayed', relay: RELAY });
    expect(target?.address.toString()).toBe(THROUGH);
  });
});

describe('mayDial', () => {
  const may = (text: string, changed: Partial<DialRules> = {}, nearby = NOWHERE): boolean => {
    const target = dialTarget(text, PEER);
    return target !== null && mayDial(target, { ...rules, ...changed }, nearby);
  };

  it('[P-18] dials public addresses, and loopback ones only on a local network', () => {
    expect(may('/ip4/203.0.113.9/tcp/1')).toBe(true);
    for (const text of ['/ip4/127.0.0.1/tcp/1', '/ip6/::1/tcp/1', '/ip6/::ffff:127.0.0.1/tcp/1']) {
      expect(may(text)).toBe(false);
      expect(may(text, {}, new Set(['4:127.0.0', '6:0.0.0.0.0.0']))).toBe(false);
      expect(may(text, { loopback: true })).toBe(true);
    }
  });

  it('[P-18] dials a private or link-local address only where it reaches whoever told it of it', () => {
    for (const [text, prefix] of [
      ['/ip4/192.168.1.1/tcp/1', '4:192.168.1'],
      ['/ip4/169.254.169.254/tcp/80', '4:169.254.169'],
    ] as const) {
      expect(may(text)).toBe(false);
      expect(may(text, {}, new Set(['4:192.168.2']))).toBe(false);
      expect(may(text, {}, new Set([prefix]))).toBe(true);
    }
  });

  it('[P-18] dials no TCP in a tab, and through nobody but relays of the network and neighbours', () => {
    expect(may('/ip4/203.0.113.9/tcp/1', { tcp: false })).toBe(false);
    expect(may(THROUGH)).toBe(true);
    expect(may(`/p2p/${OTHER}/p2p-circuit/webrtc/p2p/${PEER}`)).toBe(false);
  });
});
