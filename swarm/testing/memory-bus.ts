import { toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { MessageCheck, PubSub } from '../pubsub.ts';
import type { Scheduler } from '../scheduler.ts';

/** Gossip within one process: every message reaches every other member of its topic after a delay. */
export class MemoryBus {
  readonly #members = new Map<string, Map<string, MessageCheck>>();
  readonly #published = new Set<string>();
  readonly #scheduler: Scheduler;
  readonly #delay: number;

  /** `delay` is in milliseconds and defaults to 20. */
  constructor(scheduler: Scheduler, delay = 20) {
    this.#scheduler = scheduler;
    this.#delay = delay;
  }

  /** The bus as the peer `name` sees it. */
  pubsub(name: string): PubSub {
    return {
      publish: async (topic, data) => this.#publish(name, topic, data),
      join: (topic, check) => {
        const members = this.#members.get(topic) ?? new Map<string, MessageCheck>();
        this.#members.set(topic, members);
        members.set(name, check);
        return () => members.delete(name);
      },
      blame: () => undefined,
      isFollowed: (topic) => [...(this.#members.get(topic)?.keys() ?? [])].some((other) => other !== name),
    };
  }

  #publish(source: string, topic: string, data: Uint8Array): void {
    const id = `${topic} ${toHex(sha256Of(data))}`;
    if (this.#published.has(id)) return;
    this.#published.add(id);
    this.#scheduler.after(this.#delay, () => {
      for (const [name, check] of this.#members.get(topic) ?? [])
        if (name !== source) void check(data, source);
    });
  }
}
