import type { DeviceKey } from '../../protocol/device-key.ts';
import { toHex } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { RandomStream } from '../../protocol/philox.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { loadSignatureChecks } from '../../protocol/signature-checks.ts';
import { cohortPath } from '../cohort-path.ts';
import { COHORT_SIZE, Cohorts } from '../cohorts.ts';
import type { MessageType } from '../messages/message-types.ts';
import { allTopicsOf } from '../network-id.ts';
import { ROUND_SETTINGS } from '../rounds/round-settings.ts';
import { ROUND_MS } from '../testing/simulated-ledger.ts';
import { type SimulatedPeer, SimulatedSwarm } from '../testing/simulated-swarm.ts';
import { Connections } from './connections.ts';
import { ModelledGossip } from './modelled-gossip.ts';
import { RealGossipsub } from './real-gossipsub.ts';
import { SharedChecks } from './shared-checks.ts';
import { simulateTimers } from './simulated-timers.ts';
import { Traffic, type TypeCount, timed } from './traffic.ts';

export interface MeasureOptions {
  readonly peers: number;
  /** Rounds that are measured. */
  readonly rounds: number;
  /** Rounds before these, in which nothing is counted. Defaults to 1. */
  readonly warmUp?: number;
  /** The real gossipsub over simulated streams, or the model of it. */
  readonly gossip: 'gossipsub' | 'model';
  /** Whether each device checks each message, or one check serves all and its time is added for each. */
  readonly checks: 'each' | 'shared';
  /** Whether a large swarm is halved into cohorts. Defaults to yes. */
  readonly cohorts?: boolean;
  /** Characters of each of a device's two answers. Defaults to 4,000, so that a rollout set has 8 KiB. */
  readonly answerLength?: number;
}

/** What one size of swarm costs a member in one round. */
export interface SizeFigures {
  readonly peers: number;
  /** Copies of messages that a member receives, those that it has already included, and sets it fetches. */
  readonly messagesPerMember: number;
  /** Bytes of the same and of gossipsub's own words. */
  readonly bytesPerMember: number;
  /** Milliseconds of CPU of this machine, the simulated transport included. */
  readonly cpuMsPerMember: number;
  /** Milliseconds within which 95 % of all messages are accepted by a member. */
  readonly delayMs: number;
}

/** The figures, and what they are made of. */
export interface Measurement {
  readonly figures: SizeFigures;
  /** By type, for one member and round. */
  readonly types: ReadonlyMap<MessageType, TypeCount>;
  readonly controlBytes: number;
  readonly fetches: number;
  readonly checks: number;
  /** Members that attested in the measured rounds, of those that should have, 0 to 1. */
  readonly attested: number;
  /** Acks that an attestation gets, on the average. */
  readonly acks: number;
  /** Messages that a member refuses, by reason, in one round. */
  readonly rejected: Readonly<Record<string, number>>;
}

/** Devices join within this time. */
const JOIN_MS = 2_000;
/** Multiaddrs of a device behind two relays, of usual length. */
const ADDRESS = `/ip4/203.0.113.20/tcp/4001/p2p/${'R'.repeat(52)}/p2p-circuit/webrtc/p2p/${'D'.repeat(53)}`;
const ADDRESSES: readonly string[] = [ADDRESS, ADDRESS.replaceAll('R', 'S')];

/** Simulates a swarm of one size and counts what a round costs a member of it. */
export async function measure(options: MeasureOptions): Promise<Measurement> {
  await loadSignatureChecks();
  const { peers, rounds, warmUp = 1, gossip, answerLength = 4_000 } = options;
  const swarm = new SimulatedSwarm();
  const { scheduler } = swarm;
  const random = RandomStream.named({
    seed: sha256Of(new TextEncoder().encode(`a swarm of ${peers}`)),
    round: 0,
    device: '',
    purpose: 'placement',
  }).sequence(0);
  const restore = simulateTimers(scheduler, () => random.uniform());
  try {
    const traffic = new Traffic(scheduler);
    const connections = new Connections(random);
    const devices = Array.from({ length: peers }, (_, device) => device);
    const keys = devices.map((device) => swarm.keyOf(String(device)));
    for (const { address } of keys) swarm.standings.set(address, { kind: 'known' });
    connections.connectAll(devices);
    const levels =
      options.cohorts === false
        ? undefined
        : levelsOf(keys.map(({ publicKey }) => cohortPath(swarm.networkId, publicKey)));
    if (levels !== undefined) connectCohorts(connections, levels);
    const real = new RealGossipsub({ scheduler, connections, traffic });
    const model = new ModelledGossip({
      scheduler,
      connections,
      traffic,
      random,
      nameOf: (device) => must(keys, device).peerId,
    });
    const checks = new SharedChecks(traffic, options.checks);
    const topics = allTopicsOf(swarm.networkId);
    const pubsubs = keys.map((key, device) =>
      gossip === 'model' ? model.pubsub(device) : real.add(key.secret, topics),
    );
    if (gossip === 'gossipsub') await real.start();
    const members: SimulatedPeer[] = [];
    const outcome = { attested: 0, acks: 0 };
    const join = (device: number): void => {
      const key = must(keys, device);
      const member = swarm.join(String(device), {
        ground: {
          key,
          pubsub: timed(must(pubsubs, device), traffic),
          node: {
            addresses: () => ADDRESSES,
            learn: () => undefined,
            degree: () => connections.neighbours(device).size,
          },
          content: countingContent(swarm, traffic),
          cohorts: levels === undefined ? 'one' : cohortsOf(swarm, keys, { levels, device }),
          random: () => random.uniform(),
          messageChecks: checks.messages,
          verifierOver: (ledger) => checks.verifier(ledger),
        },
        answerMs: random.integer(500, 3_000),
        trainMs: random.integer(1_000, 6_000),
        text: (context, item) => sentence(`${context.seed} ${context.device} ${item}`, answerLength),
        settings: { peers: ROUND_SETTINGS.peers },
      });
      member.gossip.onMessage(({ type, id }) => traffic.accepted(type, id));
      member.driver.on(({ kind }) => {
        if (traffic.isOn && kind === 'sent') outcome.attested++;
        if (traffic.isOn && kind === 'accepted') outcome.acks++;
        // Sets of all whom it selected would fill the memory.
        member.events.length = 0;
      });
      members.push(member);
      member.driver.start();
    };
    for (const device of devices) scheduler.after(random.uniform() * JOIN_MS, () => join(device));
    await scheduler.advance(warmUp * ROUND_MS);
    const before = members.map(({ gossip: { rejected } }) => ({ ...rejected.snapshot() }));
    traffic.isOn = true;
    const cpu = process.cpuUsage();
    await scheduler.advance(rounds * ROUND_MS);
    const { user, system } = process.cpuUsage(cpu);
    traffic.isOn = false;
    const measurement = {
      cpuMs: (user + system) / 1000 + checks.sparedMs,
      traffic,
      members,
      rejectedBefore: before,
      ...outcome,
      ...options,
    };
    const result = figuresOf(measurement);
    await Promise.all(members.map((member) => member.driver.stop()));
    for (const { presence, gossip: messages } of members) {
      presence.stop();
      messages.stop();
    }
    if (gossip === 'gossipsub') await real.stop();
    return result;
  } finally {
    restore();
  }
}

/** The cohort of a device that has been there for a while: it has heard its members. */
function cohortsOf(
  { networkId, scheduler }: SimulatedSwarm,
  keys: readonly DeviceKey[],
  { levels, device }: { readonly levels: readonly string[]; readonly device: number },
): Cohorts {
  const own = must(levels, device);
  const { publicKey } = must(keys, device);
  const cohorts = new Cohorts({ networkId, publicKey, scheduler, level: own.length });
  for (const [other, level] of levels.entries()) {
    const { address: author, publicKey: from } = must(keys, other);
    if (other !== device && level === own && own !== '')
      cohorts.heard({ author, from }, { authorClass: 'known', account: author }, own);
  }
  return cohorts;
}

/** The path of each device's cohort, when all have come to rest: none has more members than it may. */
function levelsOf(paths: readonly string[]): readonly string[] {
  const sizes = new Map<string, number>();
  for (const path of paths)
    for (let level = 0; level <= path.length; level++) {
      const cohort = path.slice(0, level);
      sizes.set(cohort, (sizes.get(cohort) ?? 0) + 1);
    }
  return paths.map((path) => {
    let level = 0;
    while (level < path.length && (sizes.get(path.slice(0, level)) ?? 0) > COHORT_SIZE.most) level++;
    return path.slice(0, level);
  });
}

/** Members of a cohort have connections of their own, besides those to anybody. */
function connectCohorts(connections: Connections, levels: readonly string[]): void {
  const cohorts = new Map<string, number[]>();
  for (const [device, cohort] of levels.entries())
    cohorts.set(cohort, [...(cohorts.get(cohort) ?? []), device]);
  if (cohorts.size > 1)
    for (const members of cohorts.values()) connections.connectAll(members, { degree: 4, own: 2 });
}

function figuresOf(options: {
  readonly cpuMs: number;
  readonly traffic: Traffic;
  readonly members: readonly SimulatedPeer[];
  readonly rejectedBefore: readonly Readonly<Record<string, number>>[];
  readonly attested: number;
  readonly acks: number;
  readonly peers: number;
  readonly rounds: number;
}): Measurement {
  const { cpuMs, traffic, members, attested, acks, peers, rounds } = options;
  const each = (sum: number): number => sum / peers / rounds;
  const types = new Map(
    [...traffic.types].map(([type, { copies, bytes, arrivals }]) => [
      type,
      { copies: each(copies), bytes: each(bytes), arrivals: each(arrivals) },
    ]),
  );
  const copies = [...types.values()].reduce((sum, count) => sum + count.copies, 0);
  const bytes = [...types.values()].reduce((sum, count) => sum + count.bytes, 0);
  const rejected: Record<string, number> = {};
  for (const [index, member] of members.entries())
    for (const [reason, count] of Object.entries(member.gossip.rejected.snapshot())) {
      const more = count - (options.rejectedBefore[index]?.[reason] ?? 0);
      if (more > 0) rejected[reason] = (rejected[reason] ?? 0) + each(more);
    }
  return {
    figures: {
      peers,
      messagesPerMember: Math.round(copies + each(traffic.fetches)),
      bytesPerMember: Math.round(bytes + each(traffic.controlBytes + traffic.fetchedBytes)),
      cpuMsPerMember: Number(each(cpuMs).toFixed(1)),
      delayMs: traffic.delay(0.95),
    },
    types,
    controlBytes: each(traffic.controlBytes),
    fetches: each(traffic.fetches),
    checks: each(traffic.checks),
    attested: each(attested),
    acks: attested === 0 ? 0 : acks / attested,
    rejected,
  };
}

function countingContent(swarm: SimulatedSwarm, traffic: Traffic): ReturnType<SimulatedSwarm['content']> {
  const content = swarm.content();
  return {
    ...content,
    async fetchObject(cid, sources, limits) {
      const bytes = await content.fetchObject(cid, sources, limits);
      traffic.fetched(bytes.length);
      return bytes;
    },
  };
}

/** Text of a length that no other answer has. */
function sentence(name: string, length: number): string {
  const word = toHex(sha256Of(new TextEncoder().encode(name)));
  return word.repeat(Math.ceil(length / word.length)).slice(0, length);
}
