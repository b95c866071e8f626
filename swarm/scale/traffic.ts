import { toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { MessageType } from '../messages/message-types.ts';
import { peekMessage } from '../messages/peek.ts';
import type { PubSub } from '../pubsub.ts';
import type { Scheduler } from '../scheduler.ts';

/** What all devices together received of one type of message. */
export interface TypeCount {
  /** Copies of messages, those that were there before included. */
  copies: number;
  bytes: number;
  /** Messages that were new to the device. */
  arrivals: number;
}

/** Delays are counted by the millisecond up to here. */
const MOST_DELAY_MS = 60_000;
/** Milliseconds for which the time of a message is remembered. */
const REMEMBERED_MS = 30_000;

/** Counts what devices receive while it is switched on. */
export class Traffic {
  readonly #scheduler: Scheduler;
  readonly types = new Map<MessageType, TypeCount>();
  /** Bytes of gossipsub's own words: subscriptions, grafts, ids of messages. */
  controlBytes = 0;
  fetches = 0;
  fetchedBytes = 0;
  /** Checks of signatures: of messages, and of votes and attestations inside. */
  checks = 0;
  isOn = false;
  readonly #sentAt = new Map<string, number>();
  readonly #delays = new Uint32Array(MOST_DELAY_MS + 1);

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  copy(type: MessageType, bytes: number): void {
    if (!this.isOn) return;
    const count = this.#of(type);
    count.copies++;
    count.bytes += bytes;
  }

  control(bytes: number): void {
    if (this.isOn) this.controlBytes += bytes;
  }

  fetched(bytes: number): void {
    if (!this.isOn) return;
    this.fetches++;
    this.fetchedBytes += bytes;
  }

  checked(): void {
    if (this.isOn) this.checks++;
  }

  /** Notes that a message was sent now. */
  sent(data: Uint8Array): void {
    const now = this.#scheduler.now();
    this.#sentAt.set(toHex(sha256Of(data)), now);
    for (const [id, at] of this.#sentAt) {
      if (now - at < REMEMBERED_MS) break;
      this.#sentAt.delete(id);
    }
  }

  /** Notes that a device has accepted a message. `id` is the SHA-256 of its bytes, in hexadecimal. */
  accepted(type: MessageType, id: string): void {
    const at = this.#sentAt.get(id);
    if (!this.isOn || at === undefined) return;
    this.#of(type).arrivals++;
    const delay = Math.min(MOST_DELAY_MS, Math.round(this.#scheduler.now() - at));
    this.#delays[delay] = (this.#delays[delay] ?? 0) + 1;
  }

  /** Milliseconds within which a share of all arrivals came, of those that came at all. */
  delay(share: number): number {
    const all = this.#delays.reduce((sum, count) => sum + count, 0);
    let sum = 0;
    return this.#delays.findIndex((count) => {
      sum += count;
      return sum >= share * all && all > 0;
    });
  }

  #of(type: MessageType): TypeCount {
    const count = this.types.get(type) ?? { copies: 0, bytes: 0, arrivals: 0 };
    this.types.set(type, count);
    return count;
  }
}

/** The type of a message by its bytes. */
export function typeOf(data: Uint8Array): MessageType {
  return peekMessage(data).type;
}

/** A PubSub whose own messages have their time noted. */
export function timed(pubsub: PubSub, traffic: Traffic): PubSub {
  return {
    publish(topic, data) {
      traffic.sent(data);
      return pubsub.publish(topic, data);
    },
    join: (topic, check) => pubsub.join(topic, check),
    blame: (source) => pubsub.blame(source),
    isFollowed: (topic) => pubsub.isFollowed(topic),
  };
}

/** The same, or undefined for bytes that are no message. */
export function readableTypeOf(data: Uint8Array): MessageType | undefined {
  try {
    return typeOf(data);
  } catch {
    return undefined;
  }
}
