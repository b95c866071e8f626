import { describe, expect, it } from 'vitest';
import { DEFAULT_MODEL_HOSTS } from '../../protocol/network-file.ts';
import { contentPolicy, type KnownNetwork, pageHeaders } from './page-headers.ts';

const PUBLIC: KnownNetwork = {
  rpc: 'https://rpc.example/v1/key',
  relays: [
    '/dns4/relay.example/tcp/443/wss/p2p/16Uiu2HAm',
    '/dns4/other.example/tcp/8443/tls/ws/p2p/16Uiu2HAm',
    '/ip4/192.0.2.7/tcp/9001/ws/p2p/16Uiu2HAm',
    '/ip4/192.0.2.7/udp/9002/webrtc-direct/p2p/16Uiu2HAm',
    '/ip6/2001:db8::1/tcp/9001/ws/p2p/16Uiu2HAm',
  ],
  iceServers: [],
  local: false,
  walletConnectProjectId: null,
  modelHosts: DEFAULT_MODEL_HOSTS,
};

/** The sources of one directive. */
function sources(policy: string, directive: string): readonly string[] {
  const found = policy.split('; ').find((part) => part.startsWith(`${directive} `));
  return found?.split(' ').slice(1) ?? [];
}

describe('the page’s content policy', () => {
  it('lets the page talk to the chain, relays and model hosts of its network file alone', () => {
    expect(sources(contentPolicy({ network: PUBLIC }), 'connect-src')).toEqual([
      "'self'",
      'https://rpc.example',
      'wss://relay.example:443',
      'wss://other.example:8443',
      'ws://192.0.2.7:9001',
      ...DEFAULT_MODEL_HOSTS,
    ]);
  });

  it('adds every port of this machine on a local network, and where there is no network file', () => {
    const machine = ['http://127.0.0.1:*', 'ws://127.0.0.1:*', 'http://localhost:*', 'ws://localhost:*'];
    const local = { ...PUBLIC, rpc: 'http://127.0.0.1:8545', relays: [], modelHosts: [], local: true };
    expect(sources(contentPolicy({ network: local }), 'connect-src')).toEqual([
      ...["'self'", 'http://127.0.0.1:8545'],
      ...machine,
    ]);
    expect(sources(contentPolicy({ network: null }), 'connect-src')).toEqual(["'self'", ...machine]);
  });

  it('adds where the password of a TURN server comes from, and not the server', () => {
    const access = { kind: 'endpoint', url: 'https://turn-keys.example/credentials' } as const;
    const iceServers = [{ kind: 'turn', urls: ['turn:turn.example'], access } as const];
    const policy = contentPolicy({ network: { ...PUBLIC, iceServers } });
    expect(sources(policy, 'connect-src')).toContain('https://turn-keys.example');
    expect(policy).not.toContain('turn.example:');
    expect(policy).not.toContain('credentials');
  });

  it('adds WalletConnect’s servers where the network file has a project', () => {
    const network = { ...PUBLIC, walletConnectProjectId: 'abc' };
    expect(sources(contentPolicy({ network }), 'connect-src')).toContain('wss://*.walletconnect.org');
    expect(contentPolicy({ network: PUBLIC })).not.toContain('walletconnect');
  });

  it('never names a whole scheme, and nothing in a network file ends a directive', () => {
    const network = {
      ...PUBLIC,
      rpc: 'http://a;script-src.example',
      relays: ['/dns4/a;frame-ancestors *;b/tcp/1/ws', '/dns4/a b/tcp/1/ws', '/dns4/x\r\ny/tcp/1/ws', 'junk'],
      modelHosts: ['https://*', 'https:', '*'],
    };
    expect(sources(contentPolicy({ network }), 'connect-src')).toEqual(["'self'"]);
    for (const known of [PUBLIC, null])
      expect(contentPolicy({ network: known })).not.toMatch(/ (?:https?:|wss?:|\*|blob:)(?:[ ;]|$)/);
  });

  it('lets nobody frame the page, and runs this origin’s scripts and workers only', () => {
    const policy = contentPolicy({ network: PUBLIC });
    expect(sources(policy, 'frame-ancestors')).toEqual(["'none'"]);
    expect(sources(policy, 'script-src')).toEqual(["'self'", "'wasm-unsafe-eval'"]);
    expect(sources(policy, 'worker-src')).toEqual(["'self'"]);
    expect(sources(policy, 'require-trusted-types-for')).toEqual(["'script'"]);
    expect(sources(policy, 'trusted-types')).toEqual(['default']);
  });

  it('is the same in the page itself, but for what it cannot know or say there', () => {
    const built = contentPolicy({ network: 'unknown', inPage: true });
    const served = contentPolicy({ network: PUBLIC });
    const strip = (policy: string) =>
      policy.split('; ').filter((part) => !/^(connect-src|frame-anc)/.test(part));
    expect(strip(built)).toEqual(strip(served));
    expect(built).not.toContain('frame-ancestors');
    expect(sources(built, 'connect-src')).toEqual(["'self'", 'http:', 'https:', 'ws:', 'wss:']);
  });

  it('gives the dev server’s scripts a nonce, and asks for no trusted types there', () => {
    const policy = contentPolicy({ network: null, devNonce: 'n0nce' });
    expect(sources(policy, 'script-src')).toContain("'nonce-n0nce'");
    expect(policy).not.toContain('trusted-types');
    expect(sources(policy, 'frame-ancestors')).toEqual(["'none'"]);
  });

  it('comes with the other headers', () => {
    const headers = pageHeaders({ network: PUBLIC });
    expect(headers).toMatchObject({
      'X-Frame-Options': 'DENY',
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
      'Permissions-Policy': expect.stringContaining('camera=()'),
    });
    for (const value of Object.values(headers)) expect(value).toMatch(/^[\x20-\x7e]+$/);
  });
});
