import { describe, expect, it } from 'vitest';
import { parseIceServers, parseTurnCredentials } from './ice-servers.ts';

const parse = (value: unknown) => parseIceServers(value, (field) => new Error(`no usable ${field}`));

const STUN = { urls: ['stun:stun.example:3478', 'stuns:stun.example'] };
const TURN = { urls: 'turn:192.0.2.1:3478?transport=udp', username: 'someone', credential: 'secret' };

describe('parseIceServers', () => {
  it('reads STUN, TURN with a password, and TURN with credentials from an endpoint', () => {
    const endpoint = {
      urls: ['turns:turn.example:5349?transport=tcp', 'turn:[2001:db8::1]:3478'],
      credentials: 'https://relay.example/turn-credentials',
    };
    expect(parse([STUN, TURN, endpoint])).toEqual([
      { kind: 'stun', urls: STUN.urls },
      {
        kind: 'turn',
        urls: [TURN.urls],
        access: { kind: 'fixed', username: 'someone', credential: 'secret' },
      },
      {
        kind: 'turn',
        urls: endpoint.urls,
        access: { kind: 'endpoint', url: 'https://relay.example/turn-credentials' },
      },
    ]);
    expect(parse([])).toEqual([]);
  });

  it.each([
    ['no list', { urls: 'stun:a' }, 'iceServers'],
    ['five servers', Array(5).fill(STUN), 'iceServers'],
    ['a text', ['stun:a'], 'iceServers[0]'],
    ['no address', [{ urls: [] }], 'iceServers[0].urls'],
    ['five addresses', [{ urls: Array(5).fill('stun:a') }], 'iceServers[0].urls'],
    ['a long address', [{ urls: `stun:${'a'.repeat(200)}` }], 'iceServers[0].urls'],
    ['an address of the web', [{ urls: 'https://stun.example' }], 'iceServers[0].urls'],
    ['both kinds at once', [{ ...TURN, urls: ['stun:a', 'turn:a'] }], 'iceServers[0].urls'],
    ['a user in the address', [{ ...TURN, urls: 'turn:me@turn.example' }], 'iceServers[0].urls'],
    ['TURN without a user', [STUN, { urls: 'turn:a', credential: 'b' }], 'iceServers[1].username'],
    ['TURN without a password', [{ urls: 'turn:a', username: 'b' }], 'iceServers[0].credential'],
    ['a script as endpoint', [{ urls: 'turn:a', credentials: 'javascript:1' }], 'iceServers[0].credentials'],
  ])('refuses %s', (_name, value, field) => {
    expect(() => parse(value)).toThrow(`no usable ${field}`);
  });
});

describe('parseTurnCredentials', () => {
  it('reads what the endpoint of serve answers', () => {
    const answer = { username: '1790000000:swarm', credential: 'aGFzaA==', ttl: 3600, uris: [] };
    expect(parseTurnCredentials(answer)).toEqual({
      username: '1790000000:swarm',
      credential: 'aGFzaA==',
      ttl: 3600,
    });
  });

  it.each([
    null,
    'text',
    {},
    { username: '', credential: 'b', ttl: 1 },
    { username: 'a', credential: 'b'.repeat(257), ttl: 1 },
    { username: 'a', credential: 'b', ttl: 0 },
    { username: 'a', credential: 'b', ttl: 86_401 },
    { username: 'a', credential: 'b', ttl: 1.5 },
  ])('refuses %j', (answer) => {
    expect(parseTurnCredentials(answer)).toBeUndefined();
  });
});
