import type { MessageCheck, PubSub } from '../pubsub.ts';
import type { Scheduler } from '../scheduler.ts';

/** Gossip within one process: every message reaches every other member of its topic after a delay. */
export class MemoryBus {
  readonly #members = new Map<string, Map<string, MessageCheck>>();
  readonly #scheduler: Scheduler;
  readonly #delay: number;

  constructor(scheduler: Scheduler, delay = 20) {
    this.#scheduler = scheduler;
    this.#delay = delay;
  }

  /** The bus as the peer `name` sees it. */
  pubsub(name: string): PubSub {
    return {
      publish: async (topic, data) => this.inject(name, topic, data),
      join: (topic, check) => {
        const members = this.#members.get(topic) ?? new Map<string, MessageCheck>();
        this.#members.set(topic, members);
        members.set(name, check);
        return () => members.delete(name);
      },
    };
  }

  /** Sends bytes to everyone in a topic but the source, whoever made them. */
  inject(source: string, topic: string, data: Uint8Array): void {
    this.#scheduler.after(this.#delay, () => {
      for (const [name, check] of this.#members.get(topic) ?? [])
        if (name !== source) void check(data, source);
    });
  }
}
