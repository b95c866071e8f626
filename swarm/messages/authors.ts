import type { DeviceAddress } from '../../protocol/hex.ts';
import { accountOf, type Standing, UNKNOWN } from '../../protocol/standing.ts';
import { BoundedMap } from '../bounded-map.ts';
import { FairMap } from '../fair-map.ts';
import { AUTHOR_RANKS, type AuthorClass } from './admission.ts';
import { MESSAGE_TYPES, type MessageType } from './message-types.ts';

/** What the chain says of a device now, as far as it was read. `Standings` is one. */
export interface StandingSource {
  now(device: DeviceAddress): Standing;
}

export interface AuthorsOptions {
  /** Milliseconds. */
  readonly now: () => number;
  /** Without it (at a relay) every author is unknown to the chain. */
  readonly standings?: StandingSource;
  /** Authors remembered, of the unknown ones as many again. Defaults to 1,024. */
  readonly limit?: number;
}

/** An author of whom a message with a valid signature was accepted. */
export interface Author {
  readonly device: DeviceAddress;
  /** The neighbour that passed its first message on. */
  readonly introducer: string;
  /** Local time of the first accepted message, milliseconds. */
  readonly since: number;
  /** Whether it was heard again `SEEN_AFTER_MS` after the first time. */
  seen: boolean;
  /** Whether a hello of it was accepted. */
  saidHello: boolean;
  /**
   * The last accepted message by type and round: its id, or its sequence number where the type is repeatable.
   */
  readonly last: BoundedMap<string, string | number>;
}

/**
 * Milliseconds after its first message at which an author that is heard again counts as seen. A little less
 * than the 10 s from one hello to the next, so that the second one suffices.
 */
const SEEN_AFTER_MS = 8_000;
/** Messages remembered of an author: all types of all rounds that a receiver takes. */
const MESSAGES_AN_AUTHOR = 32;

/** A message as far as replays go. */
export interface Numbered {
  readonly type: MessageType;
  readonly round: number;
  readonly seq: number;
}

/**
 * The authors that this device has heard, by public key in hexadecimal. Unknown authors have a table of their
 * own, so no number of fresh keys pushes a known or seen one out. Within each table the neighbours that
 * introduced authors share the places.
 */
export class Authors {
  readonly #options: AuthorsOptions;
  readonly #established: FairMap<string, Author>;
  readonly #unknown: FairMap<string, Author>;

  constructor(options: AuthorsOptions) {
    this.#options = options;
    const { now, limit = 1024 } = options;
    this.#established = new FairMap({ limit, now });
    this.#unknown = new FairMap({ limit, now });
  }

  get(key: string): Author | undefined {
    return this.#established.get(key) ?? this.#unknown.get(key);
  }

  /** Whether a hello of the device is remembered. */
  hasHello(device: DeviceAddress): boolean {
    for (const table of [this.#established, this.#unknown])
      for (const author of table.values()) if (author.device === device) return author.saidHello;
    return false;
  }

  classOf(author: Author): AuthorClass {
    const { kind } = this.#standing(author.device);
    return kind === 'unknown' && author.seen ? 'seen' : kind;
  }

  /** Whoever the author's places are counted for: its owner, or itself. */
  accountOf({ device }: Author): string {
    return accountOf(device, this.#standing(device));
  }

  /** Why a message of the author is a replay, or null. */
  replay(author: Author | undefined, message: Numbered, id?: string): string | null {
    const last = author?.last.get(slotOf(message));
    if (last === undefined) return null;
    if (typeof last === 'number')
      return message.seq > last ? null : `${message.type} is not newer than the last`;
    return last === id ? `${message.type} came before` : `a second ${message.type} in round ${message.round}`;
  }

  /** Whether the author said something else in the same round. `id` is the message's. */
  contradicts(author: Author | undefined, message: Numbered, id: string): boolean {
    const last = author?.last.get(slotOf(message));
    return typeof last === 'string' && last !== id;
  }

  /** Remembers an accepted message. */
  remember(
    key: string,
    device: DeviceAddress,
    source: string,
    message: Numbered & { readonly id: string },
  ): void {
    const now = this.#options.now();
    const author: Author = this.get(key) ?? {
      device,
      introducer: source,
      since: now,
      seen: false,
      saidHello: false,
      last: new BoundedMap(MESSAGES_AN_AUTHOR),
    };
    const { repeatable } = MESSAGE_TYPES[message.type];
    author.last.set(slotOf(message), repeatable ? message.seq : message.id);
    if (message.type === 'hello') author.saidHello = true;
    if (now - author.since >= SEEN_AFTER_MS) author.seen = true;
    const authorClass = this.classOf(author);
    const isUnknown = authorClass === 'unknown';
    (isUnknown ? this.#established : this.#unknown).delete(key);
    (isUnknown ? this.#unknown : this.#established).set(key, author, {
      rank: AUTHOR_RANKS[authorClass],
      group: authorClass === 'bound' ? this.accountOf(author) : author.introducer,
    });
  }

  #standing(device: DeviceAddress): Standing {
    return this.#options.standings?.now(device) ?? UNKNOWN;
  }
}

/** Repeatable types are told apart by type, all others by the round too. */
function slotOf({ type, round }: Numbered): string {
  return MESSAGE_TYPES[type].repeatable ? type : `${type} ${round}`;
}
