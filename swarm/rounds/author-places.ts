import type { DeviceAddress } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { accountOf, type Standing } from '../../protocol/standing.ts';

export interface AuthorPlacesOptions {
  /** Authors that have a place at once. */
  readonly places: number;
  /** Bytes of all values together. */
  readonly bytes: number;
  /** What the chain says of a device now. */
  readonly standingOf: (device: DeviceAddress) => Standing;
  /**
   * Text that nobody outside this device can know of an author beforehand. Within a class the authors with
   * the smallest texts keep their places.
   */
  readonly rankOf: (author: DeviceAddress) => string;
}

interface Place<T> {
  readonly author: DeviceAddress;
  readonly value: T;
  readonly bytes: number;
  readonly rank: string;
  standing: Standing;
}

type Class = Standing['kind'];

/** The part of the places and of the bytes that is each class's own while others want them too. */
const SHARES: Readonly<Record<Class, number>> = { bound: 1 / 2, known: 1 / 4, unknown: 1 / 4 };
/** In the order of service. */
const CLASSES: readonly Class[] = ['bound', 'known', 'unknown'];
/** Devices of one owner that have a place. */
const DEVICES_EACH = 4;

/**
 * One value for each author, for a bounded number of authors and bytes. When they are used up, a place is
 * taken from the lowest class that has more than its share: unknown devices before known ones before those of
 * owners. Within a class a rank decides that is secret, so neither the first nor the last author wins,
 * however many keys somebody makes.
 */
export class AuthorPlaces<T> {
  readonly #options: AuthorPlacesOptions;
  readonly #places = new Map<DeviceAddress, Place<T>>();
  readonly #count = { bound: 0, known: 0, unknown: 0 };
  readonly #bytes = { bound: 0, known: 0, unknown: 0 };

  constructor(options: AuthorPlacesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#places.size;
  }

  get(author: DeviceAddress): T | undefined {
    return this.#places.get(author)?.value;
  }

  values(): readonly T[] {
    return [...this.#places.values()].map(({ value }) => value);
  }

  /** Keeps a value of `bytes` bytes. Returns the authors that have no place any more, maybe this one. */
  set(author: DeviceAddress, value: T, bytes: number): readonly DeviceAddress[] {
    const { places, bytes: most, standingOf, rankOf } = this.#options;
    this.delete(author);
    this.#add({ author, value, bytes, rank: rankOf(author), standing: standingOf(author) });
    const without = this.#beyondOwner(author);
    while (this.#places.size > places || sum(this.#bytes) > most) {
      const last = this.#extreme(this.#classBeyondShare(), later);
      if (last === undefined) break;
      const standing = standingOf(last.author);
      if (standing.kind === last.standing.kind) {
        without.push(last.author);
        this.delete(last.author);
      } else {
        // It came before its standing was read.
        this.delete(last.author);
        this.#add({ ...last, standing });
        without.push(...this.#beyondOwner(last.author));
      }
    }
    return without;
  }

  /** Takes the best-ranked value of the highest of these classes out. Defaults to all classes. */
  takeFirst(classes: readonly Class[] = CLASSES): T | undefined {
    for (const kind of classes) {
      const first = this.#extreme(kind, earlier);
      if (first === undefined) continue;
      this.delete(first.author);
      return first.value;
    }
    return undefined;
  }

  delete(author: DeviceAddress): void {
    const place = this.#places.get(author);
    if (place === undefined) return;
    this.#places.delete(author);
    this.#count[place.standing.kind]--;
    this.#bytes[place.standing.kind] -= place.bytes;
  }

  #add(place: Place<T>): void {
    this.#places.set(place.author, place);
    this.#count[place.standing.kind]++;
    this.#bytes[place.standing.kind] += place.bytes;
  }

  /** Takes a place from the owner of a device that has too many. */
  #beyondOwner(author: DeviceAddress): DeviceAddress[] {
    const standing = this.#places.get(author)?.standing;
    if (standing?.kind !== 'bound') return [];
    const account = accountOf(author, standing);
    const own = [...this.#places.values()].filter(
      (place) => place.standing.kind === 'bound' && accountOf(place.author, place.standing) === account,
    );
    const last = own.length > DEVICES_EACH ? own.reduce(later) : undefined;
    if (last === undefined) return [];
    this.delete(last.author);
    return [last.author];
  }

  /** The lowest class that uses more than its share of what is used up. */
  #classBeyondShare(): Class {
    const { places, bytes } = this.#options;
    const full = this.#places.size > places;
    // The shares add up to all, so at least one class is beyond its own.
    return must(
      CLASSES.filter((kind) =>
        full ? this.#count[kind] > SHARES[kind] * places : this.#bytes[kind] > SHARES[kind] * bytes,
      ).toReversed(),
      0,
    );
  }

  /** The place of the class that comes before all others by `of`. */
  #extreme(kind: Class, of: (a: Place<T>, b: Place<T>) => Place<T>): Place<T> | undefined {
    let extreme: Place<T> | undefined;
    for (const place of this.#places.values()) {
      if (place.standing.kind === kind) extreme = extreme === undefined ? place : of(extreme, place);
    }
    return extreme;
  }
}

function earlier<T>(a: Place<T>, b: Place<T>): Place<T> {
  return a.rank < b.rank ? a : b;
}

function later<T>(a: Place<T>, b: Place<T>): Place<T> {
  return a.rank > b.rank ? a : b;
}

function sum(numbers: Readonly<Record<Class, number>>): number {
  return CLASSES.reduce((total, kind) => total + numbers[kind], 0);
}
