import { describe, expect, it } from 'vitest';
import { UNTESTED } from '../protocol/conformance-report.ts';
import { deviceKey, peerIdBytesOf, peerIdOf } from '../protocol/device-key.ts';
import { toHex } from '../protocol/hex.ts';
import { sha256Of } from '../protocol/sha256-of.ts';
import { Cohorts } from './cohorts.ts';
import { startGossip } from './gossip.ts';
import { encodeMessage } from './messages/envelope.ts';
import { topicsOf } from './network-id.ts';
import { startPresence } from './presence.ts';
import { every } from './scheduler.ts';
import { MemoryBus } from './testing/memory-bus.ts';
import { SimulatedScheduler } from './testing/simulated-scheduler.ts';

const NETWORK = 'presence-test:1';

interface JoinsCohorts {
  readonly of?: (publicKey: Uint8Array, scheduler: SimulatedScheduler) => Cohorts;
}

/** Devices on one bus, each with the times at which it sent a hello. */
class Meeting {
  readonly scheduler = new SimulatedScheduler();
  readonly #bus = new MemoryBus(this.scheduler);

  #newcomers = 0;

  /** One hello of a key that was never heard before. */
  newcomer(): void {
    const n = this.#newcomers++;
    const key = deviceKey(sha256Of(new TextEncoder().encode(`newcomer ${n}`)));
    const body = {
      peerId: peerIdBytesOf(key.publicKey),
      delegation: null,
      engine: 'none',
      conformance: UNTESTED,
      addresses: [],
      relays: false,
    };
    const hello = encodeMessage(key, NETWORK, { type: 'hello', round: 1, seq: 1, body });
    void this.#bus.pubsub('newcomers').publish(topicsOf(NETWORK).presence, hello);
  }

  join(byte: number, { degree = 1, random = 0, maxMembers = 1024, cohorts = {} as JoinsCohorts } = {}) {
    const { scheduler } = this;
    const key = deviceKey(new Uint8Array(32).fill(byte));
    const pubsub = this.#bus.pubsub(`peer ${byte}`);
    const sent: number[] = [];
    const far: number[] = [];
    const gossip = startGossip({
      pubsub: {
        ...pubsub,
        publish(topic, data) {
          sent.push(scheduler.now());
          if (topic === topicsOf(NETWORK).presence) far.push(scheduler.now());
          return pubsub.publish(topic, data);
        },
      },
      networkId: NETWORK,
      key,
      scheduler,
      round: () => 1,
      cohorts: cohorts.of?.(key.publicKey, scheduler),
    });
    const node = { degree, addresses: ['/ip4/127.0.0.1/tcp/1'] as readonly string[] };
    const learned: string[] = [];
    const sources: (string | undefined)[] = [];
    const presence = startPresence({
      gossip,
      node: {
        addresses: () => node.addresses,
        learn(peerId, addresses, _relays, source) {
          learned.push(`${peerId} ${addresses.join(' ')}`);
          sources.push(source);
        },
        degree: () => node.degree,
      },
      publicKey: key.publicKey,
      describe: () => ({ delegation: null, engine: 'none', conformance: UNTESTED }),
      round: () => 1,
      scheduler,
      relays: false,
      random: () => random,
      maxMembers,
    });
    return { key, gossip, presence, node, sent, far, learned, sources };
  }
}

describe('startPresence', () => {
  it('[P-66] sends a hello within 1 s of joining, and then every 10 s', async () => {
    const meeting = new Meeting();
    const { sent } = meeting.join(1);
    await meeting.scheduler.advance(31_500);
    expect(sent).toEqual([1_000, 11_000, 21_000, 31_000]);
  });

  it('[P-67] answers a newcomer once, at a random time of a second a member', async () => {
    const meeting = new Meeting();
    const first = meeting.join(1, { random: 0 });
    await meeting.scheduler.advance(5_500);
    const second = meeting.join(2, { random: 0.99 });
    await meeting.scheduler.advance(4_500);
    // The newcomer's first hello comes at 6,500, and the answer to it at 7,000.
    expect(first.sent).toEqual([1_000, 7_000]);
    expect(second.sent).toEqual([6_500, 8_500]);
    expect(first.learned[0]).toBe(`${peerIdOf(second.key.publicKey)} /ip4/127.0.0.1/tcp/1`);
    expect(first.sources[0]).toBe('peer 2');
  });

  it('[P-67] says at most one hello more in 10 s, however many newcomers there are', async () => {
    const meeting = new Meeting();
    const { sent } = meeting.join(1, { random: 0 });
    for (let ms = 0; ms < 100_000; ms += 500) {
      meeting.newcomer();
      await meeting.scheduler.advance(500);
    }
    // Ten by the interval and as many answers. Without newcomers there are ten.
    expect(sent.length).toBeLessThanOrEqual(20);
    expect(sent.length).toBeGreaterThan(10);
  });

  it('[P-113] lists who was there before among any number of newcomers', async () => {
    const meeting = new Meeting();
    const { presence } = meeting.join(1, { maxMembers: 4 });
    const others = [meeting.join(2), meeting.join(3)].map(({ key }) => key.address);
    await meeting.scheduler.advance(12_000);
    for (let n = 0; n < 40; n++) {
      meeting.newcomer();
      await meeting.scheduler.advance(100);
    }
    const members = presence.members().map(({ device }) => device);
    expect(members).toEqual(expect.arrayContaining(others));
    expect(members).toHaveLength(2 + 4);
  });

  it('[P-67] sends a hello within 1 s of a change of its addresses', async () => {
    const meeting = new Meeting();
    const { node, sent } = meeting.join(1);
    await meeting.scheduler.advance(3_500);
    node.addresses = ['/ip4/127.0.0.1/tcp/2'];
    await meeting.scheduler.advance(3_000);
    expect(sent).toEqual([1_000, 4_000]);
  });

  it('[P-68] sends a hello every 2 s while it has no direct connection', async () => {
    const meeting = new Meeting();
    const { node, sent } = meeting.join(1, { degree: 0 });
    await meeting.scheduler.advance(5_500);
    expect(sent).toEqual([1_000, 3_000, 5_000]);
    node.degree = 1;
    await meeting.scheduler.advance(9_000);
    expect(sent).toHaveLength(3);
  });

  it('[P-69] counts a device as gone after 30 s of silence', async () => {
    const meeting = new Meeting();
    const staying = meeting.join(1);
    const leaving = meeting.join(2);
    await meeting.scheduler.advance(2_500);
    leaving.presence.stop();
    leaving.gossip.stop();
    expect(staying.presence.members().map(({ device }) => device)).toEqual([leaving.key.address]);
    // Its last hello arrived at 2,020.
    await meeting.scheduler.advance(29_500);
    expect(staying.presence.members()).toHaveLength(1);
    await meeting.scheduler.advance(100);
    expect(staying.presence.members()).toEqual([]);
    expect(staying.presence.member(leaving.key.address)?.peerId).toBe(leaving.key.peerId);
  });

  it('[P-196] sends a hello less often among more than 16, so that all together say no more', async () => {
    const meeting = new Meeting();
    const of = (publicKey: Uint8Array, scheduler: SimulatedScheduler) => {
      const cohorts = new Cohorts({ networkId: NETWORK, publicKey, scheduler });
      every(scheduler, 5_000, () => fill(cohorts, 20));
      return cohorts;
    };
    const { sent } = meeting.join(1, { cohorts: { of } });
    await meeting.scheduler.advance(40_000);
    // 20 members are there as of the fifth second: every 12.5 s, by the look of each second.
    expect(sent).toEqual([1_000, 14_000, 27_000, 40_000]);
  });

  it('[P-196] says hello to its cohort, and seldom to the whole network, by the size of that', async () => {
    const meeting = new Meeting();
    const of = (publicKey: Uint8Array, scheduler: SimulatedScheduler) => {
      const cohorts = new Cohorts({ networkId: NETWORK, publicKey, scheduler, level: 3 });
      every(scheduler, 5_000, () => fill(cohorts, 16));
      return cohorts;
    };
    const { sent, far } = meeting.join(1, { cohorts: { of } });
    await meeting.scheduler.advance(200_000);
    expect(sent.length - far.length).toBe(20);
    // 16 members in each of eight cohorts are 128: every 80 s. Before it knows of them it is alone, and is
    // found.
    expect(far).toEqual([1_000, 81_000, 161_000]);
  });
});

/** Has a device hear that many others of its cohort, with itself, all known to the chain. */
function fill(cohorts: Cohorts, members: number): void {
  for (let heard = 1, n = 0; heard < members; n++) {
    const from = Uint8Array.from([2, ...sha256Of(new TextEncoder().encode(`member ${n}`))]);
    if (!cohorts.isMine(from)) continue;
    heard++;
    const author = toHex(from.subarray(13));
    cohorts.heard({ author, from }, { authorClass: 'known', account: author }, '');
  }
}
