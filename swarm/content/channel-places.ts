/** What a server knows of a peer that opens a channel. */
export interface Requester {
  /** Whether it is more than a new key: the chain knows it, or this node chose it as a neighbour. */
  readonly hasRecord: boolean;
  /** Whoever its channels are counted for: its owner, or itself. */
  readonly account: string;
}

export interface ChannelLimits {
  /** Channels in all. */
  readonly places: number;
  /** Places of those in all that strangers cannot have. */
  readonly reserve: number;
  readonly perPeer: number;
  readonly perAccount: number;
}

/** 32 channels, 4 of one peer over all its connections, 8 of one owner. Strangers have 24. */
export const CHANNEL_LIMITS: ChannelLimits = { places: 32, reserve: 8, perPeer: 4, perAccount: 8 };

/** Milliseconds without progress after which a channel gives its place to one that comes. */
const STALLED_MS = 2_000;
/** Milliseconds after which a channel has had its turn, and gives its place to one that comes. */
const TURN_MS = 10_000;

/** A channel that has a place. */
export interface Place {
  readonly peerId: string;
  readonly requester: Requester;
  /** Called when another channel takes the place. */
  readonly end: () => void;
  /** Local time at which it took the place, milliseconds. */
  readonly since: number;
  /** Local time of the last request or response, milliseconds. */
  lastProgress: number;
}

/**
 * Who is served when more ask than can be. Nobody keeps a place by having come first: a full server ends a
 * channel of whoever has the most, then a stranger's for a peer with a record, then one that is stalled or
 * has had its turn.
 */
export class ChannelPlaces {
  readonly #limits: ChannelLimits;
  readonly #now: () => number;
  readonly #held = new Set<Place>();

  /** `now` is in milliseconds. */
  constructor(limits: ChannelLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  /** A place for a channel, or null. May end another channel for it. */
  take(peerId: string, requester: Requester, end: () => void): Place | null {
    const { perPeer, perAccount } = this.#limits;
    // A peer that came back, after its tab was closed, replaces what it has left behind.
    this.#keepBelow(perPeer, (place) => place.peerId === peerId);
    this.#keepBelow(perAccount, (place) => place.requester.account === requester.account);
    if (!this.#hasRoom(requester) && !this.#makeRoom(peerId, requester)) return null;
    const now = this.#now();
    const place = { peerId, requester, end, since: now, lastProgress: now };
    this.#held.add(place);
    return place;
  }

  /** Whether no other account with a record has had a request or a response within the last 2 s. */
  isAlone(account: string): boolean {
    const now = this.#now();
    return [...this.#held].every(
      ({ requester, lastProgress }) =>
        requester.account === account || !requester.hasRecord || now - lastProgress >= STALLED_MS,
    );
  }

  release(place: Place): void {
    this.#held.delete(place);
  }

  #hasRoom({ hasRecord }: Requester): boolean {
    const { places, reserve } = this.#limits;
    const strangers = [...this.#held].filter((place) => !place.requester.hasRecord).length;
    return this.#held.size < places && (hasRecord || strangers < places - reserve);
  }

  #makeRoom(peerId: string, { hasRecord }: Requester): boolean {
    const strangers = [...this.#held].filter((place) => !place.requester.hasRecord);
    const pool = hasRecord && strangers.length === 0 ? [...this.#held] : strangers;
    const own = [...this.#held].filter((place) => place.peerId === peerId).length;
    const most = largest(pool);
    let victim: Place | undefined;
    if (most.length > own + 1) victim = longestStalled(most);
    else if (hasRecord && strangers.length > 0) victim = longestStalled(strangers);
    else {
      const now = this.#now();
      const stalled = pool.filter(({ lastProgress }) => now - lastProgress >= STALLED_MS);
      victim = longestStalled(stalled) ?? oldest(pool.filter(({ since }) => now - since >= TURN_MS));
    }
    if (victim === undefined) return false;
    this.#end(victim);
    return true;
  }

  #keepBelow(limit: number, isOne: (place: Place) => boolean): void {
    const own = [...this.#held].filter(isOne);
    const victim = own.length >= limit ? longestStalled(own) : undefined;
    if (victim !== undefined) this.#end(victim);
  }

  #end(place: Place): void {
    this.#held.delete(place);
    place.end();
  }
}

function longestStalled(places: readonly Place[]): Place | undefined {
  return places.toSorted((a, b) => a.lastProgress - b.lastProgress)[0];
}

function oldest(places: readonly Place[]): Place | undefined {
  return places.toSorted((a, b) => a.since - b.since)[0];
}

/** The places of the peer that has the most. */
function largest(places: readonly Place[]): readonly Place[] {
  const byPeer = new Map<string, Place[]>();
  for (const place of places) byPeer.set(place.peerId, [...(byPeer.get(place.peerId) ?? []), place]);
  return [...byPeer.values()].toSorted((a, b) => b.length - a.length)[0] ?? [];
}
