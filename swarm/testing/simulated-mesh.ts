import { toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { MessageCheck, PubSub } from '../pubsub.ts';
import type { Scheduler } from '../scheduler.ts';

/** Milliseconds that a message takes from one peer to the next. */
const HOP_MS = 20;

/**
 * Gossip over links within one process. Every peer passes on what its check accepts, and checks equal bytes
 * once, whichever neighbour brought them first, as gossipsub does.
 */
export class SimulatedMesh {
  readonly #scheduler: Scheduler;
  readonly #links = new Map<string, Set<string>>();
  readonly #checks = new Map<string, MessageCheck>();
  readonly #seen = new Set<string>();
  readonly #blamed: { readonly by: string; readonly source: string }[] = [];
  #carried = 0;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Messages that arrived somewhere for the first time. */
  get carried(): number {
    return this.#carried;
  }

  /** Who was blamed by whom for a message that was accepted. */
  get blamed(): readonly { readonly by: string; readonly source: string }[] {
    return this.#blamed;
  }

  /** Connects two peers. */
  link(a: string, b: string): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const)
      this.#links.set(from, (this.#links.get(from) ?? new Set()).add(to));
  }

  pubsub(name: string): PubSub {
    return {
      publish: async (topic, data) => {
        for (const to of this.#links.get(name) ?? []) this.send({ from: name, to, topic, data });
      },
      join: (topic, check) => {
        this.#checks.set(`${name} ${topic}`, check);
        return () => this.#checks.delete(`${name} ${topic}`);
      },
      blame: (source) => this.#blamed.push({ by: name, source }),
      isFollowed: (topic) =>
        [...(this.#links.get(name) ?? [])].some((other) => this.#checks.has(`${other} ${topic}`)),
    };
  }

  /** Sends to one peer, also without a link. */
  send(message: { from: string; to: string; topic: string; data: Uint8Array }): void {
    this.#scheduler.after(HOP_MS, () => void this.#arrive(message));
  }

  async #arrive({ from, to, topic, data }: Parameters<SimulatedMesh['send']>[0]): Promise<void> {
    const check = this.#checks.get(`${to} ${topic}`);
    const id = `${to} ${topic} ${toHex(sha256Of(data))}`;
    if (check === undefined || this.#seen.has(id)) return;
    this.#seen.add(id);
    this.#carried++;
    if ((await check(data, from)) !== 'accept') return;
    for (const next of this.#links.get(to) ?? [])
      if (next !== from) this.send({ from: to, to: next, topic, data });
  }
}
