import { describe, expect, it } from 'vitest';
import { hashedGraph, hashedOracle } from '../../pipeline/testing/hashed-blocks.ts';
import { simulatedRules, simulatedSignature } from '../../pipeline/testing/simulated-pipeline.ts';
import { type DeviceKey, deviceKey } from '../../protocol/device-key.ts';
import type { Handoff } from '../../protocol/handoff.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { toHex } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { UNKNOWN } from '../../protocol/standing.ts';
import { type Gossip, startGossip } from '../gossip.ts';
import { encodeMessage, type Message } from '../messages/envelope.ts';
import { cidOf, DAG_CBOR, digestInCid } from '../messages/rollouts.ts';
import { decodeStateRecord, encodeStateRecord, type StateRecord } from '../messages/state-record.ts';
import { topicsOf } from '../network-id.ts';
import { MemoryBus } from '../testing/memory-bus.ts';
import { ROUND_MS, simulatedLedger } from '../testing/simulated-ledger.ts';
import { SimulatedScheduler } from '../testing/simulated-scheduler.ts';
import type { Roots } from './run-states.ts';
import { StateAttestations, type StateEvent } from './state-attestations.ts';

const graph = hashedGraph({ layers: 2, paths: [[1, 2], [1]] });
const graphOf = () => graph;
const NETWORK = 'simulated:1';
const keyOf = (name: string): DeviceKey => deviceKey(sha256Of(new TextEncoder().encode(name)));
const zero: Hex = `0x${'00'.repeat(32)}`;

/** The roots of all tensors after so many steps. */
const stateOf = (steps: number): Roots => hashedOracle(Array.from({ length: steps }, graphOf));

const checkpointRoot = (steps: number, state: Roots): Hex =>
  toHex(sha256Of(new TextEncoder().encode([steps, ...[...state].sort().flat()].join(' '))));

const rootAfter = (steps: number): Hex => checkpointRoot(steps, stateOf(steps));

/** The updates of the step before `steps` are done, each signed by `device`. */
function updatesOf(steps: number, device: DeviceAddress, state = stateOf(steps)): Handoff[] {
  return graph.nodes
    .filter(({ index }) => graph.isForEveryKeeper(index))
    .map(({ index, outputs }) => {
      const handoff = {
        ...{ run: simulatedRules.run, step: steps - 1, hop: index, version: zero, inputs: zero, device },
        outputs: outputs.map((tensor) => ({
          slot: graph.placeOf(tensor).slot,
          tensor,
          root: state.get(tensor) ?? zero,
        })),
      };
      return { ...handoff, signature: simulatedSignature(handoff) };
    });
}

interface Member {
  readonly key: DeviceKey;
  readonly gossip: Gossip;
  readonly attestations: StateAttestations;
  readonly events: StateEvent[];
  /** Tells it that a step has ended with `hops` hops of its own, and the state `state`. */
  finish(steps: number, hops?: number, state?: Roots): void;
}

/** Members of one swarm, on a simulated clock whose rounds take 20 s. */
class Swarm {
  readonly scheduler = new SimulatedScheduler();
  readonly objects = new Map<string, Uint8Array>();
  /** CIDs that members asked for. */
  readonly fetched: string[] = [];
  readonly heard: Message<'state'>[] = [];
  readonly #bus = new MemoryBus(this.scheduler);
  readonly #directory = new Map<DeviceAddress, Uint8Array>();

  join(name: string): Member {
    const { scheduler, objects, fetched } = this;
    const key = keyOf(name);
    const ledger = simulatedLedger(key, scheduler, this.#directory);
    const round = () => ledger.clock.read().round;
    const gossip = startGossip({
      ...{
        pubsub: this.#bus.pubsub(name),
        networkId: NETWORK,
        key,
        scheduler,
        round,
        verifier: ledger,
      },
    });
    const events: StateEvent[] = [];
    const attestations = StateAttestations.start({
      ...{ device: key.address, ledger, gossip, scheduler, round, graphOf, checkpointRoot },
      content: {
        async publishObject(bytes) {
          const cid = cidOf(bytes, DAG_CBOR);
          objects.set(cid, bytes);
          return cid;
        },
        async fetchObject(cid) {
          fetched.push(cid);
          const bytes = objects.get(cid);
          if (bytes === undefined) throw new Error('Nobody has it.');
          return bytes;
        },
      },
      standingOf: () => UNKNOWN,
      rules: simulatedRules,
      placeSecret: new Uint8Array(32),
      onEvent: (event) => events.push(event),
    });
    return {
      ...{ key, gossip, attestations, events },
      finish(steps, hops = 1, state = stateOf(steps)) {
        const updates = updatesOf(steps, key.address, state);
        attestations.finished(steps - 1, checkpointRoot(steps, state), {
          hops: new Map([[key.address, hops]]),
          updates,
        });
      },
    };
  }

  /** Hears what others say, and keeps their states. */
  listen(): Gossip {
    const { gossip } = this.join('listener');
    gossip.onMessage((message) => {
      if (message.type === 'state') this.heard.push(message);
    });
    return gossip;
  }

  pass(ms: number): Promise<void> {
    return this.scheduler.advance(ms);
  }

  /** Publishes a state of step `steps` with this record, by a device that has no session. */
  async claim(
    name: string,
    steps: number,
    record: (by: DeviceAddress) => StateRecord,
    root = rootAfter(steps),
  ) {
    const key = keyOf(name);
    const { bytes, cid } = encodeStateRecord(record(key.address));
    this.objects.set(cid, bytes);
    const ledger = simulatedLedger(key, this.scheduler, this.#directory);
    const { round } = ledger.clock.read();
    const rolloutDigest = digestInCid(cid);
    const { signature } = await ledger.signAttestation({ round, checkpointRoot: root, rolloutDigest });
    const body = { checkpointRoot: root, rolloutDigest, signature, step: steps, record: cid };
    const message = encodeMessage(key, NETWORK, { type: 'state', round, seq: 1, body });
    await this.#bus.pubsub(name).publish(topicsOf(NETWORK).pipeline, message);
  }
}

const attestedIn = ({ events }: Member) =>
  events.flatMap((event) => (event.kind === 'attested' ? [[event.round, event.step]] : []));

describe('StateAttestations', () => {
  it('[P-203] [S-13] attests the first step of each round that it had a part in, from the second round on', async () => {
    const swarm = new Swarm();
    swarm.listen();
    const member = swarm.join('a');
    member.finish(1);
    await swarm.pass(ROUND_MS / 2);
    member.finish(2);
    await swarm.pass(ROUND_MS);
    for (const steps of [3, 4, 5]) member.finish(steps);
    await swarm.pass(2 * ROUND_MS);
    member.finish(6);
    await swarm.pass(100);
    expect(attestedIn(member)).toEqual([
      [1, 3],
      [3, 6],
    ]);
    expect(swarm.heard.map(({ round, body }) => [round, body.step, body.checkpointRoot])).toEqual([
      [1, 3, rootAfter(3)],
      [3, 6, rootAfter(6)],
    ]);
    const { record, rolloutDigest } = must(swarm.heard, 1).body;
    expect(digestInCid(record)).toBe(rolloutDigest);
    const stored = decodeStateRecord(swarm.objects.get(record) ?? new Uint8Array());
    expect(stored).toEqual({ step: 6, updates: updatesOf(6, member.key.address) });
  });

  it('[P-203] attests no round in which it handed nothing off since the one before', async () => {
    const swarm = new Swarm();
    const member = swarm.join('a');
    await swarm.pass(ROUND_MS);
    member.finish(1, 0);
    member.finish(2, 3);
    await swarm.pass(ROUND_MS);
    member.finish(3, 0);
    await swarm.pass(ROUND_MS);
    member.finish(4, 0);
    await swarm.pass(100);
    expect(attestedIn(member)).toEqual([[2, 3]]);
  });

  it('[P-203] attests nothing of a round again when it comes back within it', async () => {
    const swarm = new Swarm();
    const before = swarm.join('a');
    await swarm.pass(ROUND_MS);
    before.finish(1);
    await swarm.pass(100);
    await before.attestations.stop();
    const after = swarm.join('a');
    after.finish(2);
    await swarm.pass(100);
    expect([attestedIn(before), attestedIn(after)]).toEqual([[[1, 1]], []]);
  });

  it('[P-203] says why it attests nothing where it lacks an update of the step', async () => {
    const swarm = new Swarm();
    const { attestations, key, events } = swarm.join('a');
    await swarm.pass(ROUND_MS);
    const updates = updatesOf(1, key.address).slice(1);
    attestations.finished(0, rootAfter(1), { hops: new Map([[key.address, 1]]), updates });
    await swarm.pass(100);
    expect(events).toEqual([
      { kind: 'not attested', round: 1, cause: 'The signed updates of step 1 are not all here.' },
    ]);
  });

  it('[P-204] acknowledges the root that it knows, and fetches no record for it', async () => {
    const swarm = new Swarm();
    const [a, b] = [swarm.join('a'), swarm.join('b')];
    await swarm.pass(ROUND_MS);
    b.finish(1, 0);
    a.finish(1);
    await swarm.pass(3_000);
    expect(a.events.at(-1)).toEqual({ kind: 'accepted', round: 1, peers: 0, strangers: 1 });
    expect(swarm.fetched).toEqual([]);
  });

  it('[P-204] acknowledges a root that the signed updates of the record give', async () => {
    const swarm = new Swarm();
    const [a] = [swarm.join('a'), swarm.join('b')];
    await swarm.pass(ROUND_MS);
    a.finish(1);
    await swarm.pass(3_000);
    expect(a.events.at(-1)).toEqual({ kind: 'accepted', round: 1, peers: 0, strangers: 1 });
    expect(swarm.fetched).toHaveLength(1);
  });

  it('[P-204] refuses a root other than its own, whatever the record says', async () => {
    const swarm = new Swarm();
    const [liar, honest] = [swarm.join('liar'), swarm.join('honest')];
    await swarm.pass(ROUND_MS);
    honest.finish(1, 0);
    const other = new Map([...stateOf(1)].map(([name]) => [name, zero] as const));
    liar.finish(1, 1, other);
    await swarm.pass(3_000);
    expect(attestedIn(liar)).toEqual([[1, 1]]);
    expect(liar.events).toHaveLength(1);
    expect(honest.gossip.rejected.get('malformed')).toBe(1);
    expect(swarm.fetched).toEqual([]);
  });

  it.each<readonly [string, (updates: Handoff[]) => StateRecord, Hex]>([
    ['gives another root', (updates) => ({ step: 1, updates }), zero],
    ['lacks an update', (updates) => ({ step: 1, updates: updates.slice(1) }), rootAfter(1)],
    ['is of another step', (updates) => ({ step: 2, updates }), rootAfter(1)],
    [
      'has more updates than the step',
      (updates) => ({ step: 1, updates: [...updates, ...updates] }),
      rootAfter(1),
    ],
    [
      'has an update that nobody signed',
      (updates) => ({
        step: 1,
        updates: updates.map((each) => ({ ...each, signature: `${zero}${'00'.repeat(33)}` })),
      }),
      rootAfter(1),
    ],
    [
      'has updates of another run',
      (updates) => ({
        step: 1,
        updates: updates.map((each) => {
          const moved = { ...each, run: zero };
          return { ...moved, signature: simulatedSignature(moved) };
        }),
      }),
      rootAfter(1),
    ],
  ])('[P-204] refuses a state whose record %s', async (_, record, root) => {
    const swarm = new Swarm();
    const honest = swarm.join('honest');
    await swarm.pass(ROUND_MS);
    await swarm.claim('liar', 1, (by) => record(updatesOf(1, by)), root);
    await swarm.pass(3_000);
    expect(swarm.fetched).toHaveLength(1);
    expect(honest.gossip.rejected.get('malformed')).toBe(1);
  });

  it('[P-204] fetches at most 8 records a round for unknown devices', async () => {
    const swarm = new Swarm();
    swarm.join('honest');
    await swarm.pass(ROUND_MS);
    for (let n = 0; n < 10; n++)
      await swarm.claim(`stranger ${n}`, 1, (by) => ({ step: 1, updates: updatesOf(1, by) }));
    await swarm.pass(3_000);
    expect(swarm.fetched).toHaveLength(8);
  });
});
