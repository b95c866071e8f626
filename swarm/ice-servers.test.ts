import { describe, expect, it } from 'vitest';
import type { IceServer } from '../protocol/ice-servers.ts';
import { endlessAnswer } from '../protocol/testing/endless-answer.ts';
import { IceServers, iceServersOfHost } from './ice-servers.ts';

const ENDPOINT = 'https://relay.example/turn-credentials';
const SERVERS: readonly IceServer[] = [
  { kind: 'stun', urls: ['stun:stun.example'] },
  { kind: 'turn', urls: ['turn:fixed.example'], access: { kind: 'fixed', username: 'a', credential: 'b' } },
  { kind: 'turn', urls: ['turn:turn.example'], access: { kind: 'endpoint', url: ENDPOINT } },
];

/** Servers whose endpoint gives `answers` one after the other, the last again and again. */
function world(...answers: (() => Response | Promise<Response>)[]) {
  const asked: string[] = [];
  let time = 0;
  const fetcher = (async (input: string | URL | Request) => {
    asked.push(String(input));
    const answer = answers[Math.min(asked.length, answers.length) - 1];
    if (answer === undefined) throw new TypeError('Out of reach.');
    return answer();
  }) as typeof fetch;
  const servers = new IceServers({ servers: SERVERS, fetch: fetcher, now: () => time });
  return {
    servers,
    asked,
    wait: (ms: number) => {
      time += ms;
    },
  };
}

const given =
  (username: string, ttl = 3600) =>
  () =>
    Response.json({ username, credential: `password of ${username}`, ttl });

describe('IceServers', () => {
  it('[P-180] gives the servers of the network file alone, with the endpoint’s credentials', async () => {
    const { servers, asked } = world(given('first'));
    expect(await servers.current()).toEqual([
      { urls: ['stun:stun.example'] },
      { urls: ['turn:fixed.example'], username: 'a', credential: 'b' },
      { urls: ['turn:turn.example'], username: 'first', credential: 'password of first' },
    ]);
    expect(asked).toEqual([ENDPOINT]);
    expect(await new IceServers({ servers: [] }).current()).toEqual([]);
  });

  it('asks once for many dials, and again when half of the credentials’ time is over', async () => {
    const { servers, asked, wait } = world(given('first'), given('second'));
    await Promise.all([servers.current(), servers.current(), servers.current()]);
    wait(1_799_000);
    await servers.current();
    expect(asked).toHaveLength(1);
    wait(1000);
    expect((await servers.current())[2]).toMatchObject({ username: 'second' });
    expect(asked).toHaveLength(2);
  });

  it('reads no more of an endless answer than credentials can be long', async () => {
    const { response, read, isCancelled } = endlessAnswer();
    const { servers } = world(() => response);
    expect(await servers.current()).toHaveLength(2);
    expect(read()).toBe(5 * 1024);
    expect(isCancelled()).toBe(true);
  });

  it.each<[string, () => Response]>([
    ['does not answer', () => Response.error()],
    ['refuses', () => new Response('no', { status: 503 })],
    ['answers something else', () => Response.json({ username: 'a' })],
    ['answers no JSON', () => new Response('<html>')],
    ['answers without end', () => new Response(`"${'a'.repeat(5000)}"`)],
  ])('goes without a TURN server whose endpoint %s, and asks again after 30 s', async (_name, answer) => {
    const { servers, asked, wait } = world(answer, given('later'));
    expect(await servers.current()).toHaveLength(2);
    expect(await servers.current()).toHaveLength(2);
    expect(asked).toHaveLength(1);
    wait(30_000);
    expect(await servers.current()).toHaveLength(3);
  });

  it('goes without it where the network is out of reach', async () => {
    const { servers } = world();
    expect(await servers.current()).toHaveLength(2);
  });
});

describe('iceServersOfHost', () => {
  const servers = [
    { urls: ['stun:stun.example'] },
    { urls: ['turn:turn.example'], username: '1790003600:starling', credential: 'IgZ/J+c=' },
  ];

  it('[P-180] encodes names and passwords for the WebRTC of Node, which puts them into URLs', () => {
    expect(iceServersOfHost(servers, false)).toEqual([
      { urls: ['stun:stun.example'] },
      { urls: ['turn:turn.example'], username: '1790003600%3Astarling', credential: 'IgZ%2FJ%2Bc%3D' },
    ]);
  });

  it('leaves them as they are in a browser', () => {
    expect(iceServersOfHost(servers, true)).toEqual(servers);
  });
});
