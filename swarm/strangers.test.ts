/** What a stranger with free keys and a few connections can do to a mesh of honest devices. */
import { describe, expect, it } from 'vitest';
import { UNTESTED } from '../protocol/conformance-report.ts';
import { type DeviceKey, deviceKey, peerIdBytesOf } from '../protocol/device-key.ts';
import { sha256Of } from '../protocol/sha256-of.ts';
import { startGossip } from './gossip.ts';
import { encodeMessage, type UnsignedMessage } from './messages/envelope.ts';
import { MESSAGE_TYPES } from './messages/message-types.ts';
import { topicsOf } from './network-id.ts';
import { startPresence } from './presence.ts';
import { ROUND_MS, simulatedLedger } from './testing/simulated-ledger.ts';
import { SimulatedMesh } from './testing/simulated-mesh.ts';
import { SimulatedScheduler } from './testing/simulated-scheduler.ts';

const NETWORK = 'simulated:1';
const TOPICS = topicsOf(NETWORK);
const DIGEST = `0x${'11'.repeat(32)}` as const;

const keys = new Map<string, DeviceKey>();
/** A key takes milliseconds to make, so the tests share theirs. */
function keyOf(name: string): DeviceKey {
  const key = keys.get(name) ?? deviceKey(sha256Of(new TextEncoder().encode(`key of ${name}`)));
  keys.set(name, key);
  return key;
}

function helloOf(key: DeviceKey, round: number, seq: number): UnsignedMessage {
  const peerId = peerIdBytesOf(key.publicKey);
  const body = { peerId, delegation: null, engine: '', conformance: UNTESTED, addresses: [], relays: false };
  return { type: 'hello', round, seq, body };
}

/** A generator of numbers from 0 to 1, the same in every run. */
function seeded(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Honest devices in a ring, each connected to the two on either side, and what they heard of one another. */
class HonestMesh {
  readonly scheduler = new SimulatedScheduler();
  readonly mesh = new SimulatedMesh(this.scheduler);
  readonly names: readonly string[];
  readonly #peers;
  /** Rounds of the honest commits that each device heard. */
  readonly commits: number[] = [];
  hellos = 0;
  #strangers = 0;

  constructor(count: number) {
    const { scheduler, mesh } = this;
    const random = seeded();
    this.names = Array.from({ length: count }, (_, i) => `p${i}`);
    for (let i = 0; i < count; i++) for (const step of [1, 2]) mesh.link(`p${i}`, `p${(i + step) % count}`);
    const honest = new Set(this.names.map((name) => keyOf(name).address));
    const directory = new Map();
    this.#peers = this.names.map((name) => {
      const key = keyOf(name);
      const ledger = simulatedLedger(key, scheduler, directory);
      const round = (): number => ledger.clock.read().round;
      const pubsub = mesh.pubsub(name);
      const gossip = startGossip({
        pubsub: {
          ...pubsub,
          publish: (topic, data) => {
            if (topic === TOPICS.presence) this.hellos++;
            return pubsub.publish(topic, data);
          },
        },
        networkId: NETWORK,
        key,
        scheduler,
        round,
        verifier: ledger,
        random,
      });
      gossip.onMessage(({ type, author, round: of }) => {
        if (type === 'commit' && honest.has(author)) this.commits.push(of);
      });
      startPresence({
        gossip,
        node: { addresses: () => [], learn: () => {}, degree: () => 4 },
        publicKey: key.publicKey,
        describe: () => ({ delegation: null, engine: '', conformance: UNTESTED }),
        round,
        scheduler,
        relays: false,
        random,
      });
      return { gossip, round };
    });
  }

  get round(): number {
    return Math.floor(this.scheduler.now() / ROUND_MS);
  }

  /** Every device publishes its commit of the round. */
  async commit(): Promise<void> {
    for (const { gossip, round } of this.#peers)
      await gossip.publish({ type: 'commit', round: round(), body: { digest: DIGEST } });
  }

  heard(round: number): number {
    return this.commits.filter((of) => of === round).length;
  }

  /** A message of a key that was never heard before, from the stranger's own connection to `to`. */
  stranger(to: string, type: 'hello' | 'commit' = 'hello'): void {
    const key = keyOf(`stranger ${this.#strangers++}`);
    const seq = Math.floor(this.scheduler.now()) + 1;
    const { round } = this;
    const message: UnsignedMessage =
      type === 'hello' ? helloOf(key, round, seq) : { type, round, seq, body: { digest: DIGEST } };
    const topic = TOPICS[MESSAGE_TYPES[type].topic];
    this.mesh.send({ from: 'stranger', to, topic, data: encodeMessage(key, NETWORK, message) });
  }
}

describe('a stranger with free keys', { timeout: 300_000 }, () => {
  it.each([
    ['hellos', 'devices that have heard one another for a round', 'hello', ROUND_MS],
    ['hellos', 'devices that have all just joined', 'hello', 0],
    ['commits', 'devices that have all just joined', 'commit', 0],
  ] as const)(
    '[P-56] [P-111] with 1,200 %s keeps no commit of %s from the others',
    async (_what, _whose, type, age) => {
      const swarm = new HonestMesh(6);
      await swarm.scheduler.advance(age + 2000);
      for (const to of ['p0', 'p2', 'p4']) for (let n = 0; n < 400; n++) swarm.stranger(to, type);
      await swarm.scheduler.advance(200);
      await swarm.commit();
      await swarm.scheduler.advance(5000);
      expect(swarm.heard(age / ROUND_MS)).toBe(30);
    },
  );

  it('[P-56] [P-111] with 200 keys a second from the beginning keeps no commit from the others', async () => {
    const swarm = new HonestMesh(6);
    for (let second = 0; second < 6; second++) {
      for (const to of ['p0', 'p3']) for (let n = 0; n < 100; n++) swarm.stranger(to);
      await swarm.scheduler.advance(1000);
      if (second === 2) await swarm.commit();
    }
    expect(swarm.heard(0)).toBe(30);
    // Without a limit each of the six would hear all 1,200. Each checks about 50 a second instead.
    expect(swarm.mesh.carried).toBeLessThan(4000);
  });

  it('[P-67] brings about no more than one hello more of each device in 10 s', async () => {
    const swarm = new HonestMesh(8);
    await swarm.scheduler.advance(ROUND_MS);
    const before = swarm.hellos;
    await swarm.scheduler.advance(ROUND_MS);
    const calm = swarm.hellos - before;
    for (let ms = 0; ms < ROUND_MS; ms += 500) {
      swarm.stranger('p0');
      swarm.stranger('p4');
      await swarm.scheduler.advance(500);
    }
    expect(calm).toBe(16);
    // Each device answers at most twice in the 20 s.
    expect(swarm.hellos - before - calm).toBeLessThanOrEqual(2 * calm);
  });
});
