import { peerIdOf } from '../../protocol/device-key.ts';
import { type DeviceAddress, fromHex, type Hex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { Standing } from '../../protocol/standing.ts';
import type { Content } from '../content/content.ts';
import type { Message } from '../messages/envelope.ts';
import { MESSAGE_TYPES } from '../messages/message-types.ts';
import type { RejectReason } from '../messages/reject-reason.ts';
import type { Scheduler } from '../scheduler.ts';
import { AuthorPlaces } from './author-places.ts';

/** What is known of a message without its object. A text says what is wrong with it. */
export type FirstLook = 'right' | 'unknown' | { readonly wrong: string };

/** The types that attest a checkpoint's root. */
type Attesting = 'attest' | 'state';

export interface ObjectChecksOptions<T extends Attesting> {
  readonly content: Pick<Content, 'fetchObject'>;
  /** The device that checks. */
  readonly device: DeviceAddress;
  /** How many devices hear what this one hears, with itself. */
  readonly members: () => number;
  /** Current round by chain time. */
  readonly round: () => number;
  readonly standingOf: (device: DeviceAddress) => Standing;
  /** The secret rank of an author among those that wait. */
  readonly placeRankOf: (author: DeviceAddress) => string;
  readonly reject: (reason: RejectReason, detail: string) => void;
  /** The object that shows whether the message is right. Its author has it. */
  readonly cidOf: (message: Message<T>) => string;
  /** Bytes that a message counts for while it waits. */
  readonly bytesOf: (message: Message<T>) => number;
  readonly look: (message: Message<T>) => FirstLook;
  /** What is wrong with the message, by its object. Throws for bytes that are no such object. */
  readonly wrong: (message: Message<T>, object: Uint8Array) => string | undefined;
  /** Called for a message that is right. */
  readonly onChecked: (message: Message<T>) => void;
  readonly scheduler: Scheduler;
  readonly signal: AbortSignal;
}

/** Members that all check every attestation. Of more, about `CHECKERS` check each. */
const EVERYBODY = 12;
const CHECKERS = 8;
const MAX_WAITING = 64;
const MAX_WAITING_BYTES = 256 * 1024;
/** Objects that are fetched at once, of which one may be a stranger's. */
const MAX_FETCHES = 2;
const FETCH_MS = 5_000;
/**
 * Pauses before an object that nobody gave is looked for again. Its author may be a process that was killed
 * and comes back, and gossip does not deliver the author's second message to whoever heard the first.
 */
const AGAIN_MS = [5_000, 10_000, 20_000] as const;
/** Objects that are fetched for unknown devices, and for all others, in one round, each of at most 1 MiB. */
const EACH_ROUND = { strangers: 8, others: 64 };

/**
 * Looks at the object that a message of each of its authors names. However many send one, few objects are
 * fetched in a round, and those of devices that the chain knows come first.
 */
export class ObjectChecks<T extends Attesting> {
  readonly #options: ObjectChecksOptions<T>;
  readonly #waiting: AuthorPlaces<Message<T>>;
  readonly #fetching = { strangers: 0, others: 0 };
  #round = -1;
  #fetched = { strangers: 0, others: 0 };
  /** How often a message's object was not to be had. */
  readonly #failures = new WeakMap<Message<T>, number>();
  /** Messages that are looked at again later. */
  #later = 0;

  constructor(options: ObjectChecksOptions<T>) {
    this.#options = options;
    const { standingOf, placeRankOf: rankOf } = options;
    this.#waiting = new AuthorPlaces({ places: MAX_WAITING, bytes: MAX_WAITING_BYTES, standingOf, rankOf });
  }

  check(message: Message<T>): void {
    const { device, members, look, bytesOf } = this.#options;
    if (!isOfSample(message.body.checkpointRoot, device, members())) return;
    const first = look(message);
    if (first !== 'unknown') {
      this.#settle(message, first === 'right' ? undefined : first.wrong);
      return;
    }
    this.#waiting.set(message.author, message, bytesOf(message));
    this.#next();
  }

  #settle(message: Message<T>, wrong: string | undefined): void {
    if (wrong === undefined) this.#options.onChecked(message);
    else this.#options.reject('malformed', wrong);
  }

  #next(): void {
    while (!this.#options.signal.aborted) {
      const { strangers, others } = this.#fetching;
      if (strangers + others >= MAX_FETCHES) return;
      const message = this.#waiting.takeFirst(strangers === 0 ? undefined : ['bound', 'known']);
      if (message === undefined) return;
      const who = this.#options.standingOf(message.author).kind === 'unknown' ? 'strangers' : 'others';
      if (this.#mayFetch(who)) void this.#fetch(message, who);
    }
  }

  #mayFetch(who: 'strangers' | 'others'): boolean {
    const round = this.#options.round();
    if (round !== this.#round) {
      this.#round = round;
      this.#fetched = { strangers: 0, others: 0 };
    }
    return ++this.#fetched[who] <= EACH_ROUND[who];
  }

  async #fetch(message: Message<T>, who: 'strangers' | 'others'): Promise<void> {
    const { content, signal, cidOf, wrong } = this.#options;
    this.#fetching[who]++;
    try {
      const limits = { signal, deadlineMs: FETCH_MS };
      const object = await content.fetchObject(cidOf(message), [peerIdOf(message.from)], limits);
      if (!signal.aborted) this.#settle(message, wrong(message, object));
    } catch {
      this.#checkAgain(message);
    } finally {
      this.#fetching[who]--;
      this.#next();
    }
  }

  /** What cannot be had is not acknowledged. It may be had later, until the message is stale. */
  #checkAgain(message: Message<T>): void {
    const { scheduler, signal, round } = this.#options;
    const failures = this.#failures.get(message) ?? 0;
    const pause = AGAIN_MS[failures];
    if (pause === undefined || signal.aborted || this.#later >= MAX_WAITING) return;
    this.#failures.set(message, failures + 1);
    this.#later++;
    scheduler.after(pause, () => {
      this.#later--;
      const oldest = round() - MESSAGE_TYPES[message.type].window.behind;
      if (!signal.aborted && message.round >= oldest) this.check(message);
    });
  }
}

/**
 * Whether a device is of those that check an attestation: all of up to 12 members, and about 8 of more. Who
 * they are follows from the attested root, which is known only when the round is trained, so that everybody
 * can tell who had to check ([P-195]).
 */
export function isOfSample(checkpointRoot: Hex, device: DeviceAddress, members: number): boolean {
  if (members <= EVERYBODY) return true;
  const label = new TextEncoder().encode('starling/checkers/1\n');
  const digest = sha256Of(label, fromHex(checkpointRoot), fromHex(device));
  const draw = new DataView(digest.buffer, digest.byteOffset).getUint32(0) / 2 ** 32;
  return draw < CHECKERS / (members - 1);
}
