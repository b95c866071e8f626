import type { DrawSequence } from '../../protocol/philox.ts';
import type { MessageType } from '../messages/message-types.ts';
import type { MessageCheck, PubSub } from '../pubsub.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Connections } from './connections.ts';
import { type Traffic, typeOf } from './traffic.ts';

/** Neighbours in a topic's mesh: wanted, fewest and most, as in `swarmGossipsub`. */
const MESH = { wanted: 4, fewest: 3, most: 8 };
/** Heartbeats in which a message's id is told to neighbours outside the mesh, and bytes for each id. */
const IHAVE = { heartbeats: 3, bytes: 38, neighbours: 6 };
/** Bytes from which a device tells its mesh that it has a message, and bytes of that. */
const IDONTWANT = { from: 512, bytes: 43 };
/** Bytes around a message in a frame, besides the topic's name. */
const FRAME_BYTES = 10;
/** Milliseconds after which a topic's mesh follows those that came and went. */
const HEARTBEAT_MS = 1_000;

interface Topic {
  readonly checks: Map<number, MessageCheck>;
  readonly mesh: Map<number, Set<number>>;
  isMended: boolean;
}

interface Flying {
  readonly topic: Topic;
  readonly name: string;
  readonly data: Uint8Array;
  readonly type: MessageType;
  /** When each device got its first copy. */
  readonly here: Map<number, number>;
  /** When the earliest copy on its way to a device arrives. */
  readonly due: Map<number, number>;
}

/**
 * gossipsub as a model for thousands of devices: each topic has a mesh over the connections, a device passes
 * a message that it accepts on to its mesh, and copies that come later are counted without an event. Nothing
 * is lost on the way. scale.test.ts compares its figures with those of the real one.
 */
export class ModelledGossip {
  readonly #scheduler: Scheduler;
  readonly #connections: Connections;
  readonly #traffic: Traffic;
  readonly #random: DrawSequence;
  readonly #nameOf: (device: number) => string;
  readonly #topics = new Map<string, Topic>();

  constructor(options: {
    readonly scheduler: Scheduler;
    readonly connections: Connections;
    readonly traffic: Traffic;
    readonly random: DrawSequence;
    /** The name by which the checks of others know a device: its PeerId. */
    readonly nameOf: (device: number) => string;
  }) {
    this.#scheduler = options.scheduler;
    this.#connections = options.connections;
    this.#traffic = options.traffic;
    this.#random = options.random;
    this.#nameOf = options.nameOf;
  }

  pubsub(device: number): PubSub {
    return {
      publish: async (topic, data) => this.#publish(device, topic, data),
      join: (topic, check) => this.#join(device, topic, check),
      blame: () => undefined,
      isFollowed: (topic) => {
        const checks = this.#topics.get(topic)?.checks;
        return [...this.#connections.neighbours(device).keys()].some((one) => checks?.has(one) === true);
      },
    };
  }

  /** Neighbours of a device in a topic's mesh. */
  meshDegree(device: number, topic: string): number {
    return this.#topics.get(topic)?.mesh.get(device)?.size ?? 0;
  }

  #join(device: number, name: string, check: MessageCheck): () => void {
    const topic: Topic = this.#topics.get(name) ?? { checks: new Map(), mesh: new Map(), isMended: true };
    this.#topics.set(name, topic);
    topic.checks.set(device, check);
    topic.mesh.set(device, new Set());
    this.#mendSoon(topic);
    return () => {
      topic.checks.delete(device);
      for (const neighbour of topic.mesh.get(device) ?? []) topic.mesh.get(neighbour)?.delete(device);
      topic.mesh.delete(device);
      this.#mendSoon(topic);
    };
  }

  #mendSoon(topic: Topic): void {
    if (!topic.isMended) return;
    topic.isMended = false;
    this.#scheduler.after(HEARTBEAT_MS, () => {
      topic.isMended = true;
      this.#mend(topic);
    });
  }

  /**
   * Either end of a connection takes the other into its mesh while it has too few, and nobody beyond most.
   */
  #mend({ mesh }: Topic): void {
    for (const [device, near] of mesh) {
      const others = [...this.#connections.neighbours(device).keys()].filter((one) => mesh.has(one));
      for (const other of this.#random.shuffle(others)) {
        const theirs = mesh.get(other);
        if (theirs === undefined || near.has(other) || theirs.size >= MESH.most) continue;
        if (near.size >= MESH.wanted) break;
        near.add(other);
        theirs.add(device);
      }
    }
  }

  #publish(device: number, name: string, data: Uint8Array): void {
    const topic = this.#topics.get(name);
    if (topic === undefined) return;
    const flying: Flying = { topic, name, data, type: typeOf(data), here: new Map(), due: new Map() };
    flying.here.set(device, this.#scheduler.now());
    this.#passOn(flying, device, null);
  }

  #passOn(flying: Flying, device: number, source: number | null): void {
    const { topic, name, data, here, due } = flying;
    const now = this.#scheduler.now();
    const near = topic.mesh.get(device);
    if (near === undefined) return;
    const outside = [...this.#connections.neighbours(device).keys()].filter(
      (one) => topic.checks.has(one) && !near.has(one),
    ).length;
    this.#traffic.control(Math.min(IHAVE.neighbours, outside) * IHAVE.heartbeats * IHAVE.bytes);
    if (data.length >= IDONTWANT.from && source !== null)
      this.#traffic.control((near.size - 1) * IDONTWANT.bytes);
    for (const to of near) {
      if (to === source) continue;
      const delay = this.#connections.delayOf(device, to);
      const theirs = here.get(to);
      // It has said by now that it has the message.
      if (data.length >= IDONTWANT.from && theirs !== undefined && theirs + delay <= now) continue;
      this.#traffic.copy(flying.type, data.length + name.length + FRAME_BYTES);
      const earlier = due.get(to);
      if (theirs !== undefined || (earlier !== undefined && earlier <= now + delay)) continue;
      due.set(to, now + delay);
      this.#scheduler.after(delay, () => void this.#arrive(flying, device, to));
    }
  }

  async #arrive(flying: Flying, from: number, to: number): Promise<void> {
    const { topic, data, here } = flying;
    const check = topic.checks.get(to);
    if (check === undefined || here.has(to)) return;
    here.set(to, this.#scheduler.now());
    if ((await check(data, this.#nameOf(from))) === 'accept') this.#passOn(flying, to, from);
  }
}
