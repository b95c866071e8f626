/**
 * The chaos drill on simulated time and streams, in one process: the real gossipsub with its scores, the real
 * gossip and rounds. It has no relays, no presence of addresses and no libp2p connections, so it is decided
 * by its seed alone, however slow the machine is.
 */
import type { GossipSub } from '@libp2p/gossipsub';
import type { DeviceKey } from '../../protocol/device-key.ts';
import { must } from '../../protocol/must.ts';
import { type DrawSequence, RandomStream } from '../../protocol/philox.ts';
import { loadSignatureChecks } from '../../protocol/signature-checks.ts';
import type { Content } from '../../swarm/content/content.ts';
import { ContentError } from '../../swarm/content/content-error.ts';
import { GRAYLIST_SCORE } from '../../swarm/gossipsub.ts';
import { cidOf, DAG_CBOR } from '../../swarm/messages/rollouts.ts';
import { allTopicsOf } from '../../swarm/network-id.ts';
import type { PubSub } from '../../swarm/pubsub.ts';
import type { AttestationStore } from '../../swarm/rounds/attestation-outbox.ts';
import { Connections } from '../../swarm/scale/connections.ts';
import { RealGossipsub } from '../../swarm/scale/real-gossipsub.ts';
import { SharedChecks } from '../../swarm/scale/shared-checks.ts';
import { simulateTimers } from '../../swarm/scale/simulated-timers.ts';
import { Traffic } from '../../swarm/scale/traffic.ts';
import { every } from '../../swarm/scheduler.ts';
import { memoryStoreOfAttestations } from '../../swarm/testing/attestation-store.ts';
import { ROUND_MS } from '../../swarm/testing/simulated-ledger.ts';
import { type SimulatedPeer, SimulatedSwarm } from '../../swarm/testing/simulated-swarm.ts';
import { Hostile, OLD_ROUNDS } from './hostile.ts';
import { type Budget, Judge, type Verdict } from './judge.ts';
import { cheatOfLife, LIFE } from './lives.ts';
import { planTrouble, type Trouble } from './plan.ts';
import { tellOf } from './reports.ts';
import type { ChaosReport, Cheat } from './settings.ts';

export interface SimulatedChaosOptions {
  readonly seconds: number;
  readonly members: number;
  readonly hostile: number;
  readonly seed: string;
  readonly budget: Budget;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Connections that a member keeps up, and how often it looks. */
const DEGREE = 4;
const DIAL_MS = 2_000;
const STATE_MS = 1_000;
const CHEAT_MS = 200;

/** What a member is while its process lives. */
interface Life {
  readonly device: number;
  readonly service: GossipSub;
  readonly peer: SimulatedPeer;
  readonly stops: (() => void)[];
  isDead: boolean;
}

interface Member {
  readonly number: number;
  readonly store: AttestationStore;
  /** The objects that its process serves, which end with it. */
  readonly objects: Map<string, Uint8Array>;
  /** The checkpoint on its disk. */
  root: SimulatedPeer['trainer']['root'] | null;
  cheat: Cheat | null;
  lives: number;
  life: Life | null;
  /** Kills the member when it says that a round is finished. */
  atFinish: (() => void) | null;
}

/** Simulates a swarm in trouble, and judges it. */
export async function simulatedChaos(options: SimulatedChaosOptions): Promise<Verdict> {
  await loadSignatureChecks();
  const random = RandomStream.named({
    seed: new TextEncoder().encode(options.seed.slice(0, 64)),
    ...{ round: 0, device: 'simulated', purpose: 'failures' as const },
  }).sequence(0);
  const swarm = new SimulatedSwarm();
  const restore = simulateTimers(swarm.scheduler, () => random.uniform());
  const simulation = new Simulation(options, swarm, random);
  try {
    return await simulation.run();
  } finally {
    restore();
  }
}

class Simulation {
  readonly #options: SimulatedChaosOptions;
  readonly #swarm: SimulatedSwarm;
  readonly #random: DrawSequence;
  readonly #judge = new Judge({ threshold: GRAYLIST_SCORE, roundSeconds: ROUND_MS / 1_000 });
  readonly #network: RealGossipsub;
  readonly #checks: SharedChecks;
  readonly #members: Member[];
  /** Messages of old rounds, for those that replay. */
  readonly #recorded: Uint8Array[] = [];
  #split: Extract<Trouble, { readonly kind: 'split' }> | null = null;

  constructor(options: SimulatedChaosOptions, swarm: SimulatedSwarm, random: DrawSequence) {
    this.#options = options;
    this.#swarm = swarm;
    this.#random = random;
    const { scheduler } = swarm;
    const traffic = new Traffic(scheduler);
    this.#network = new RealGossipsub({ scheduler, connections: new Connections(random), traffic });
    this.#checks = new SharedChecks(traffic, 'shared');
    this.#members = Array.from({ length: options.members }, (_, number) => ({
      number,
      store: memoryStoreOfAttestations(),
      objects: new Map(),
      root: null,
      cheat: null,
      lives: 0,
      life: null,
      atFinish: null,
    }));
  }

  async run(): Promise<Verdict> {
    const { members, hostile, seconds, seed, budget, say, signal } = this.#options;
    const { scheduler } = this.#swarm;
    const honest = members - hostile;
    // There are old rounds, whose messages are stale.
    await scheduler.advance(OLD_ROUNDS * ROUND_MS);
    for (const member of this.#members) {
      const key = this.#swarm.keyOf(nameOf(member));
      if (member.number < honest) {
        this.#swarm.standings.set(key.address, { kind: 'known' });
        this.#judge.addHonest(member.number, key.address);
      }
      await this.#start(member);
    }
    const began = scheduler.now();
    const plan = planTrouble({ seed, seconds, honest, hostile, relays: 0 });
    const events: (readonly [number, () => Promise<void>])[] = plan.map((trouble) => [
      trouble.at,
      () => this.#have(trouble),
    ]);
    for (const [n, member] of this.#members.slice(honest).entries())
      for (let at = LIFE + 5 * n; at < seconds - LIFE / 2; at += LIFE)
        events.push([at, () => this.#nextLife(member)]);
    let next = 0;
    events.sort(([a], [b]) => a - b);
    for (let second = 1; second <= seconds; second++) {
      signal.throwIfAborted();
      await scheduler.advance(1_000);
      for (; (events[next]?.[0] ?? Number.POSITIVE_INFINITY) <= second; next++) await must(events, next)[1]();
    }
    const last = Math.floor(scheduler.now() / ROUND_MS) - 1;
    await scheduler.advance(ROUND_MS);
    for (const line of this.#judge.findings(last)) say(line);
    const verdict = this.#judge.verdict({ last, hostile, budget });
    for (const member of this.#members) await this.#end(member);
    say(`${Math.round((scheduler.now() - began) / 1_000)} s are simulated.`);
    return verdict;
  }

  async #nextLife(member: Member): Promise<void> {
    await this.#end(member);
    await this.#start(member);
  }

  async #have(trouble: Trouble): Promise<void> {
    const { say } = this.#options;
    const over = (then: () => void): void => {
      this.#swarm.scheduler.after(1_000 * trouble.awaySeconds, then);
    };
    if (trouble.kind === 'kill') {
      const member = must(this.#members, trouble.member);
      const kill = async (): Promise<void> => {
        member.atFinish = null;
        if (member.life === null) return;
        this.#judge.killed(member.number);
        over(() => void this.#start(member));
        await this.#end(member);
      };
      const when = trouble.atFinish ? ' when it has finished a round' : '';
      say(`${trouble.at} s: member ${trouble.member} is killed${when} for ${trouble.awaySeconds} s.`);
      if (trouble.atFinish) member.atFinish = () => void kill();
      else await kill();
    } else if (trouble.kind === 'split') {
      say(`${trouble.at} s: the network splits for ${trouble.awaySeconds} s: ${trouble.members.join(', ')}.`);
      this.#split = trouble;
      this.#closeAcross();
      over(() => {
        this.#split = null;
      });
    }
  }

  async #start(member: Member): Promise<void> {
    const { scheduler, networkId } = this.#swarm;
    const { members, hostile } = this.#options;
    const honest = members - hostile;
    if (member.number >= honest)
      member.cheat = cheatOfLife({ place: member.number - honest, hostile, life: member.lives++ });
    const key = this.#swarm.keyOf(nameOf(member));
    if (member.cheat !== null) {
      this.#judge.addHostile(key.peerId, key.address, member.cheat);
      // Every other key of a hostile member has a record on the chain.
      if (member.lives % 2 === 1) this.#swarm.standings.set(key.address, { kind: 'known' });
    }
    const pubsub = this.#network.add(key.secret, allTopicsOf(networkId));
    const { device, service } = await this.#network.startLast();
    const stops: (() => void)[] = [];
    const peer = this.#swarm.join(nameOf(member), {
      attestations: member.store,
      trainMs: this.#random.integer(1_000, 4_000),
      ground: {
        key,
        content: this.#contentOf(member),
        pubsub: whileAlive(pubsub, () => !life.isDead),
        node: {
          addresses: () => [],
          learn: () => undefined,
          degree: () => this.#network.neighbours(device).length,
        },
        cohorts: 'one',
        random: () => this.#random.uniform(),
        messageChecks: this.#checks.messages,
        verifierOver: (ledger) => this.#checks.verifier(ledger),
      },
    });
    const life: Life = { device, service, peer, stops, isDead: false };
    member.life = life;
    this.#dial(member);
    stops.push(every(scheduler, DIAL_MS, () => this.#dial(member)));
    if (member.cheat === null) this.#startHonest(member, life);
    else this.#startHostile(member.cheat, key, life);
  }

  #startHonest(member: Member, { peer, stops, service }: Life): void {
    const { scheduler } = this.#swarm;
    const tell = (report: ChaosReport): void => {
      this.#judge.hear(member.number, report, scheduler.now() / 1_000);
      if (report.kind === 'finished') member.atFinish?.();
    };
    if (member.root !== null) peer.trainer.root = member.root;
    peer.driver.on((event) => {
      peer.events.length = 0;
      if (event.kind !== 'trained') return;
      const { round, previousRoot, checkpointRoot: root } = event;
      member.root = root;
      tell({ kind: 'stored', round, previousRoot, root });
    });
    tellOf(peer, tell);
    let heard = 0;
    peer.gossip.onMessage(() => {
      heard++;
    });
    const scored = service as GossipSub & { getScore(peerId: string): number };
    stops.push(
      every(scheduler, STATE_MS, () =>
        tell({
          kind: 'state',
          ...{ heapMiB: 0, rssMiB: 0, heard },
          scores: scored.getPeers().map((other) => [other.toString(), scored.getScore(other.toString())]),
        }),
      ),
    );
    peer.driver.start();
  }

  #startHostile(cheat: Cheat, key: DeviceKey, { peer, stops, service }: Life): void {
    const { scheduler, networkId } = this.#swarm;
    const hostile = new Hostile({
      ...{ cheat, key, service, networkId, recorded: [...this.#recorded] },
      ledger: peer.ledger,
      now: () => scheduler.now(),
      randomBytes: (count) => Uint8Array.from({ length: count }, () => this.#random.word() & 0xff),
      onStolen: (theft) => this.#judge.hearHostile({ kind: 'stolen', ...theft }),
    });
    peer.gossip.onMessage((message) => hostile.hear(message));
    stops.push(every(scheduler, CHEAT_MS, () => void hostile.tick()));
  }

  /** Ends a member as a kill does: nothing of it is sent any more, and what is under way is lost. */
  async #end(member: Member): Promise<void> {
    const { life } = member;
    if (life === null) return;
    member.life = null;
    member.objects.clear();
    life.isDead = true;
    for (const other of this.#network.neighbours(life.device)) this.#network.close(life.device, other);
    for (const stop of life.stops) stop();
    life.peer.presence.stop();
    life.peer.gossip.stop();
    // Its stages end at their next wait, which is on simulated time.
    void life.peer.driver.stop();
    await (life.service as GossipSub & { stop(): Promise<void> }).stop();
  }

  /** What a member serves and fetches: objects of living members on its side. */
  #contentOf(member: Member): Content {
    return {
      ...this.#swarm.content(),
      publishObject: async (bytes) => {
        const cid = cidOf(bytes, DAG_CBOR);
        member.objects.set(cid, bytes);
        return cid;
      },
      fetchObject: async (cid) => {
        const others = this.#members.filter((other) => this.#sideOf(other) === this.#sideOf(member));
        const found = others.map(({ objects }) => objects.get(cid)).find((bytes) => bytes !== undefined);
        if (found === undefined) throw new ContentError(`Nobody on this side has ${cid}.`);
        return found;
      },
    };
  }

  /** Connects a member with others on its side until it has enough neighbours. */
  #dial(member: Member): void {
    const { life } = member;
    if (life === null) return;
    const candidates = this.#members.filter(
      (other) => other.life !== null && other !== member && this.#sideOf(other) === this.#sideOf(member),
    );
    for (const other of this.#random.shuffle(candidates)) {
      const near = this.#network.neighbours(life.device);
      if (near.length >= DEGREE) return;
      const to = other.life?.device;
      if (to !== undefined && !near.includes(to)) this.#network.open(life.device, to);
    }
  }

  #closeAcross(): void {
    for (const one of this.#members)
      for (const other of this.#members)
        if (one.life !== null && other.life !== null && this.#sideOf(one) !== this.#sideOf(other))
          this.#network.close(one.life.device, other.life.device);
  }

  #sideOf({ number }: Member): boolean {
    return this.#split?.members.includes(number) ?? false;
  }
}

function nameOf({ number, cheat, lives }: Pick<Member, 'number' | 'cheat' | 'lives'>): string {
  return cheat === null ? `honest ${number}` : `hostile ${number} ${lives}`;
}

/** A pubsub whose process may be killed: nothing is sent any more then. */
function whileAlive(pubsub: PubSub, isAlive: () => boolean): PubSub {
  return { ...pubsub, publish: async (topic, data) => (isAlive() ? pubsub.publish(topic, data) : undefined) };
}
