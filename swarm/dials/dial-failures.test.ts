import { describe, expect, it } from 'vitest';
import { deviceKey } from '../../protocol/device-key.ts';
import { DialFailures } from './dial-failures.ts';
import { type DialTarget, dialTarget } from './dial-target.ts';

const { peerId: PEER } = deviceKey(new Uint8Array(32).fill(1));

function target(text: string): DialTarget {
  const made = dialTarget(text, PEER);
  if (made === null) throw new Error(`${text} is no target.`);
  return made;
}

const ADDRESS = target('/ip4/203.0.113.1/tcp/1');

function setUp() {
  const clock = { now: 0 };
  return { clock, failures: new DialFailures({ now: () => clock.now, random: () => 0.5 }) };
}

describe('DialFailures', () => {
  it('[P-132] counts a failure against the key wherever it listens, and the endpoint whatever the key', () => {
    const { clock, failures } = setUp();
    failures.failed('a', ADDRESS);
    const elsewhere = target('/ip4/203.0.113.2/tcp/1');
    expect(failures.isReady('a', elsewhere, true)).toBe(false);
    expect(failures.isReady('b', ADDRESS, true)).toBe(false);
    expect(failures.isReady('b', elsewhere, true)).toBe(true);
    clock.now = 3_000;
    expect(failures.isReady('a', elsewhere, true)).toBe(true);
    expect(failures.isReady('b', ADDRESS, true)).toBe(false);
    clock.now = 5_000;
    expect(failures.isReady('b', ADDRESS, true)).toBe(true);
  });

  it('[P-132] doubles the wait with each failure, up to a minute for a key and two for an endpoint', () => {
    const { clock, failures } = setUp();
    for (let n = 0; n < 12; n++) failures.failed('a', ADDRESS);
    clock.now = 60_000;
    expect(failures.isReady('a', target('/ip4/198.51.100.1/tcp/1'), true)).toBe(true);
    expect(failures.isReady('b', ADDRESS, true)).toBe(false);
    clock.now = 120_000;
    expect(failures.isReady('b', ADDRESS, true)).toBe(true);
  });

  it('[P-132] follows no stranger to a machine or prefix with too many failures, and peers with a record', () => {
    const { clock, failures } = setUp();
    for (let n = 1; n <= 8; n++) failures.failed(`key ${n}`, target(`/ip4/203.0.113.1/tcp/${n}`));
    const sameHost = target('/ip4/203.0.113.1/tcp/99');
    expect(failures.isReady('new', sameHost, false)).toBe(false);
    expect(failures.isReady('known', sameHost, true)).toBe(true);
    expect(failures.isReady('new', target('/ip4/203.0.113.2/tcp/1'), false)).toBe(true);
    for (let n = 9; n <= 24; n++) failures.failed(`key ${n}`, target(`/ip4/203.0.113.${n}/tcp/1`));
    expect(failures.isReady('new', target('/ip4/203.0.113.200/tcp/1'), false)).toBe(false);
    clock.now = 31_000;
    expect(failures.isReady('new', sameHost, false)).toBe(true);
  });

  it('[P-132] gives an endpoint to whoever answered there, for ten minutes', () => {
    const { clock, failures } = setUp();
    failures.failed('honest', ADDRESS);
    failures.answered('honest', ADDRESS, 2_000);
    expect(failures.of('honest')).toBe(0);
    clock.now = 2_000;
    expect(failures.isReady('honest', ADDRESS, false)).toBe(true);
    expect(failures.isReady('liar', ADDRESS, false)).toBe(false);
    clock.now = 10 * 60_000;
    expect(failures.isReady('liar', ADDRESS, false)).toBe(true);
  });
});
