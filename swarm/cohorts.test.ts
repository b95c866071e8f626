import { describe, expect, it } from 'vitest';
import { deviceKey } from '../protocol/device-key.ts';
import { toHex } from '../protocol/hex.ts';
import { sha256Of } from '../protocol/sha256-of.ts';
import { allCohorts, cohortPath, MOST_LEVELS } from './cohort-path.ts';
import { COHORT_SIZE, Cohorts } from './cohorts.ts';
import type { AuthorClass } from './messages/admission.ts';
import { cohortTopic } from './network-id.ts';
import { SharedChecks } from './scale/shared-checks.ts';
import { Traffic } from './scale/traffic.ts';
import { SimulatedScheduler } from './testing/simulated-scheduler.ts';
import { type SimulatedPeer, SimulatedSwarm } from './testing/simulated-swarm.ts';

const networkId = 'simulated:1';

/** A 33-byte key whose path begins so. It need not be a point of the curve. */
function keyBelow(path: string, number: number): Uint8Array {
  for (let attempt = 0; ; attempt++) {
    const digest = sha256Of(new TextEncoder().encode(`${path} ${number} ${attempt}`));
    const key = Uint8Array.from([2, ...digest]);
    if (cohortPath(networkId, key).startsWith(path)) return key;
  }
}

/** One device of a given path, and what it decides when others of given paths have said hello. */
function device(path: string, level = 0) {
  const scheduler = new SimulatedScheduler();
  const cohorts = new Cohorts({ networkId, publicKey: keyBelow(path, 0), scheduler, level });
  let heard = 0;
  return {
    cohorts,
    scheduler,
    hear(
      count: number,
      below: string,
      { authorClass = 'known' as AuthorClass, cohort = '', owner = '' } = {},
    ): void {
      for (let i = 0; i < count; i++) {
        const from = keyBelow(below, ++heard);
        const author = toHex(from.subarray(13));
        const account = owner === '' ? author : owner;
        cohorts.heard({ author, from }, { authorClass, account }, cohort);
      }
    },
  };
}

const nobody = (): boolean => false;

describe('cohorts', () => {
  it('[P-190] are the first bits of a digest of network and key, and a topic each', () => {
    const { publicKey } = deviceKey(sha256Of(new TextEncoder().encode('a key')));
    const [first = 0, second = 0] = sha256Of(
      new TextEncoder().encode(`starling/cohort/1\n${networkId}\n`),
      publicKey,
    );
    const bits = `${first.toString(2).padStart(8, '0')}${second.toString(2).padStart(8, '0')}`;
    expect(cohortPath(networkId, publicKey)).toBe(bits.slice(0, MOST_LEVELS));
    expect(cohortPath('simulated:2', publicKey)).not.toBe(cohortPath(networkId, publicKey));
    expect(allCohorts()).toHaveLength(2 ** (MOST_LEVELS + 1) - 2);
    expect(cohortTopic(networkId, '01')).toBe('/starling/2/simulated:1/cohort/01');
  });

  it('[P-191] leave a swarm of 24 whole, and halve one of 25', () => {
    const { cohorts, hear } = device('01');
    hear(COHORT_SIZE.most - 1, '');
    expect(cohorts.size).toBe(24);
    expect(cohorts.decide()).toBe(false);
    expect(cohorts.own).toBe('');
    hear(1, '');
    expect(cohorts.decide()).toBe(true);
    expect(cohorts.own).toBe('0');
  });

  it('[P-191] are not halved again within 30 s, nor by members that were silent for a minute', async () => {
    const { cohorts, hear, scheduler } = device('01');
    hear(60, '01');
    expect(cohorts.decide()).toBe(true);
    await scheduler.advance(29_000);
    expect(cohorts.decide()).toBe(false);
    await scheduler.advance(1_000);
    expect(cohorts.decide()).toBe(true);
    expect(cohorts.own).toBe('01');
    await scheduler.advance(31_000);
    expect(cohorts.size).toBe(1);
    expect(cohorts.decide()).toBe(true);
    expect(cohorts.own).toBe('0');
  });

  it('[P-191] go back into the one around them when fewer than 6 are left', async () => {
    const { cohorts, hear, scheduler } = device('01', 1);
    await scheduler.advance(31_000);
    hear(COHORT_SIZE.least - 1, '0');
    expect(cohorts.size).toBe(6);
    expect(cohorts.decide()).toBe(false);
    await scheduler.advance(60_001);
    hear(COHORT_SIZE.least - 2, '0');
    expect(cohorts.decide()).toBe(true);
    expect(cohorts.own).toBe('');
  });

  it('[P-191] are not halved by free keys, however many say hello', () => {
    const { cohorts, hear } = device('01');
    hear(3, '');
    hear(500, '', { authorClass: 'unknown' });
    hear(500, '', { authorClass: 'seen' });
    expect(cohorts.size).toBe(24);
    expect(cohorts.decide()).toBe(false);
  });

  it('[P-191] are not halved by the devices of one owner, of whom four count', () => {
    const { cohorts, hear } = device('01');
    hear(3, '');
    hear(250, '', { authorClass: 'bound', owner: '0x01' });
    expect(cohorts.size).toBe(8);
    expect(cohorts.decide()).toBe(false);
    hear(2, '', { authorClass: 'bound', owner: '0x02' });
    expect(cohorts.size).toBe(10);
  });

  it('[P-192] listen to the cohort around the own one, and to both halves of one that is nearly full', () => {
    const { cohorts, hear } = device('01', 1);
    expect(cohorts.followed(nobody)).toEqual(new Set(['0', '']));
    hear(17, '0');
    expect(cohorts.followed(nobody)).toEqual(new Set(['0', '', '00', '01']));
  });

  it('[P-192] let a newcomer find the level of its cohort by what neighbours follow', async () => {
    const { cohorts, hear, scheduler } = device('0110');
    const follows = (path: string): boolean => path === '011';
    expect(cohorts.followed(follows)).toEqual(new Set(['', '011']));
    // Strangers speak in a cohort of their own, but those that the chain knows say where the others are.
    hear(30, '0110', { cohort: '0110', authorClass: 'unknown' });
    hear(2, '011', { cohort: '011' });
    expect(cohorts.decide()).toBe(true);
    expect(cohorts.own).toBe('011');
    // A member that has been there for a while decides by the number of members alone.
    await scheduler.advance(30_000);
    hear(5, '0110', { cohort: '0110' });
    expect(cohorts.decide()).toBe(false);
    expect(cohorts.own).toBe('011');
  });

  it('[P-194] are left out where a model is trained in blocks', () => {
    const { cohorts, hear } = device('01', 1);
    cohorts.keepWhole();
    hear(100, '');
    expect(cohorts.decide()).toBe(false);
    expect(cohorts.own).toBe('');
  });

  it('[P-191] [P-192] halve a swarm that grows from 4 to 9, and everybody goes on with rounds', async () => {
    const swarm = new SimulatedSwarm();
    const checks = new SharedChecks(new Traffic(swarm.scheduler), 'shared');
    const peers: SimulatedPeer[] = [];
    const join = (count: number): void => {
      for (let i = 0; i < count; i++) {
        const name = String(peers.length);
        const { address, publicKey } = swarm.keyOf(name);
        swarm.standings.set(address, { kind: 'known' });
        const { scheduler } = swarm;
        const cohorts = new Cohorts({ networkId, publicKey, scheduler, sizes: { most: 7, least: 2 } });
        const peer = swarm.join(name, {
          ground: {
            cohorts,
            messageChecks: checks.messages,
            verifierOver: (ledger) => checks.verifier(ledger),
          },
        });
        peers.push(peer);
        peer.driver.start();
      }
    };
    join(4);
    await swarm.scheduler.advance(20_000);
    expect(peers.map(({ gossip }) => gossip.cohorts?.own)).toEqual(Array(4).fill(''));
    // All were heard by all.
    for (const peer of peers) expect(peer.of('attested')).toHaveLength(3);
    join(5);
    await swarm.scheduler.advance(60_000);
    const halves = new Map<string, SimulatedPeer[]>();
    for (const peer of peers) {
      const own = peer.gossip.cohorts?.own ?? '';
      halves.set(own, [...(halves.get(own) ?? []), peer]);
    }
    expect([...halves.keys()].sort()).toEqual(['0', '1']);
    for (const peer of peers) {
      const { own = '' } = peer.gossip.cohorts ?? {};
      const others = (halves.get(own)?.length ?? 0) - 1;
      expect(peer.of('sent').map(({ round }) => round)).toContain(3);
      const heard = peer.of('attested').filter(({ message }) => message.round === 3);
      expect(heard).toHaveLength(others);
    }
  }, 60_000);
});
