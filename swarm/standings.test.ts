import { describe, expect, it } from 'vitest';
import type { DeviceAddress } from '../protocol/hex.ts';
import { type Standing, UNKNOWN } from '../protocol/standing.ts';
import { Standings } from './standings.ts';
import { SimulatedScheduler } from './testing/simulated-scheduler.ts';

const deviceOf = (n: number): DeviceAddress => `0x${n.toString(16).padStart(40, '0')}`;
const OWNER = deviceOf(999_999);
const BOUND: Standing = { kind: 'bound', owner: OWNER };

function setUp(standingOf: (device: DeviceAddress) => Standing = () => UNKNOWN) {
  const scheduler = new SimulatedScheduler();
  const requests: (readonly DeviceAddress[])[] = [];
  let reachable = true;
  const standings = new Standings({
    read: async (devices) => {
      requests.push(devices);
      if (!reachable) throw new Error('The node is out of reach.');
      return devices.map(standingOf);
    },
    scheduler,
    random: () => 0.5,
  });
  return { scheduler, standings, requests, setReachable: (now: boolean) => (reachable = now) };
}

describe('Standings', () => {
  it('says unknown until the chain has answered, and reads again after a minute', async () => {
    let standing: Standing = { kind: 'known' };
    const { scheduler, standings, requests } = setUp(() => standing);
    expect(standings.now(deviceOf(1))).toEqual(UNKNOWN);
    await scheduler.advance(1_000);
    expect(standings.now(deviceOf(1))).toEqual({ kind: 'known' });
    expect(requests).toHaveLength(1);
    standing = BOUND;
    await scheduler.advance(60_000);
    expect(standings.now(deviceOf(1))).toEqual({ kind: 'known' });
    await scheduler.advance(1_000);
    expect(standings.now(deviceOf(1))).toEqual(BOUND);
    expect(requests).toHaveLength(2);
  });

  it('asks at most twice a second however many keys are new', async () => {
    const { scheduler, standings, requests } = setUp();
    for (let second = 0; second < 10; second++) {
      for (let n = 0; n < 400; n++) standings.now(deviceOf(second * 400 + n));
      await scheduler.advance(1_000);
    }
    expect(requests.length).toBeLessThanOrEqual(21);
    expect(Math.max(...requests.map(({ length }) => length))).toBeLessThanOrEqual(256);
  });

  it('keeps owned devices whatever number of strangers is asked about', async () => {
    const { scheduler, standings } = setUp((device) => (device === deviceOf(7) ? BOUND : UNKNOWN));
    expect(standings.now(deviceOf(7))).toEqual(UNKNOWN);
    await scheduler.advance(500);
    for (let n = 1_000; n < 8_000; n++) {
      standings.now(deviceOf(n));
      if (n % 100 === 0) await scheduler.advance(500);
    }
    expect(standings.now(deviceOf(7))).toEqual(BOUND);
  });

  it('keeps what it read while the node is out of reach', async () => {
    const { scheduler, standings, setReachable } = setUp(() => BOUND);
    standings.now(deviceOf(1));
    await scheduler.advance(500);
    setReachable(false);
    await scheduler.advance(120_000);
    expect(standings.now(deviceOf(1))).toEqual(BOUND);
    const stranger = standings.of(deviceOf(2));
    await scheduler.advance(1_000);
    expect(standings.now(deviceOf(1))).toEqual(BOUND);
    expect(await stranger).toEqual(UNKNOWN);
  });

  it('answers everybody that waits, also when the queue is full or it stops', async () => {
    const { scheduler, standings } = setUp(() => BOUND);
    const answers = Array.from({ length: 1_100 }, (_, n) => standings.of(deviceOf(n)));
    const done = Promise.all(answers);
    await scheduler.advance(10_000);
    const kinds = (await done).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'bound').length).toBeGreaterThanOrEqual(1_024);
    const late = standings.of(deviceOf(5_000));
    standings.stop();
    expect(await late).toEqual(UNKNOWN);
    expect(await standings.of(deviceOf(5_001))).toEqual(UNKNOWN);
  });
});
