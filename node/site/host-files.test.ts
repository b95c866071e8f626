import { describe, expect, it } from 'vitest';
import { type KnownNetwork, pageHeaders } from '../devnet/page-headers.ts';
import { HOST_FORMS, hostFile } from './host-files.ts';

const NETWORK: KnownNetwork = {
  ...{ rpc: 'https://rpc.example', relays: ['/dns4/relay.example/tcp/443/wss/p2p/16Uiu2HAm'] },
  ...{ iceServers: [], local: false, walletConnectProjectId: null, modelHosts: [] },
};

/** The headers that a file of a host sets. */
function headersIn(text: string): Readonly<Record<string, string | undefined>> {
  const lines = text.split('\n').map((line) => line.trim());
  const pattern = /^(?:add_header )?([A-Z][A-Za-z-]+):? "?([^"]*?)"?(?: always;)?$/;
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, name, value] = pattern.exec(line) ?? [];
      return name === undefined ? [] : [[name, value]];
    }),
  );
}

describe('hostFile', () => {
  it.each(HOST_FORMS)('writes for %s what npm start sends', (form) => {
    expect(headersIn(hostFile(form, NETWORK))).toEqual({
      ...pageHeaders({ network: NETWORK }),
      'Cache-Control': 'no-cache',
    });
  });

  it.each(HOST_FORMS)('forbids frames for %s where the network is not known', (form) => {
    const policy = headersIn(hostFile(form, 'unknown'))['Content-Security-Policy'];
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("connect-src 'self' http: https: ws: wss:");
  });

  it('stays below the 2,000 characters that Cloudflare takes a line', () => {
    const lines = hostFile('_headers', NETWORK).split('\n');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(2000);
  });

  it('has each header in quotes for nginx and Caddy, and applies to every path', () => {
    expect(hostFile('nginx', NETWORK)).toContain('add_header X-Frame-Options "DENY" always;');
    expect(hostFile('caddy', NETWORK)).toContain('\tX-Frame-Options "DENY"\n');
    expect(hostFile('_headers', NETWORK)).toMatch(/^\/\*\n {2}Content-Security-Policy: /);
  });
});
