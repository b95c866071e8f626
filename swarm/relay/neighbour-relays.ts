/** What is known of the peers that might carry handshakes to this one. */
export interface NeighbourRelaysOptions {
  readonly isDirect: (peerId: string) => boolean;
  /** Whether a peer is more than a new key. */
  readonly hasRecord: (peerId: string) => boolean;
  readonly hasReservation: (peerId: string) => boolean;
  /** Local time in ms. */
  readonly now: () => number;
}

/** Neighbours that are chosen at once. Reservations beyond them are for relays of the network. */
export const NEIGHBOUR_PLACES = 2;
/** How long a neighbour may leave a chosen peer without a reservation, in ms. */
const PATIENCE_MS = 30_000;
/**
 * How long one that did is passed over, in ms: the first time, and at most. A neighbour whose thread is busy
 * gives none for a while, and may be the only one that relays.
 */
const FIRST_PASSED_OVER_MS = 30_000;
const MOST_PASSED_OVER_MS = 600_000;

/** A neighbour that gave no reservation. */
interface PassedOver {
  readonly until: number;
  /** How often in a row. */
  readonly times: number;
}

/**
 * Chooses the neighbours on which a peer reserves, so that others reach it when no relay of the network is
 * left. At most one of them has no record, because keys are free.
 */
export class NeighbourRelays {
  readonly #options: NeighbourRelaysOptions;
  /** Since when. */
  readonly #chosen = new Map<string, number>();
  /** Neighbours only, so there are few. */
  readonly #passedOver = new Map<string, PassedOver>();

  constructor(options: NeighbourRelaysOptions) {
    this.#options = options;
  }

  has(peerId: string): boolean {
    return this.#chosen.has(peerId);
  }

  /** Chooses again among peers that say they relay. Returns those that are chosen without a reservation. */
  choose(relaying: readonly string[]): readonly string[] {
    const { isDirect, hasRecord, hasReservation, now } = this.#options;
    const time = now();
    for (const [peerId, { until }] of this.#passedOver)
      if (until + MOST_PASSED_OVER_MS <= time) this.#passedOver.delete(peerId);
    for (const [peerId, since] of this.#chosen) {
      if (hasReservation(peerId)) this.#passedOver.delete(peerId);
      const isLate = !hasReservation(peerId) && time - since >= PATIENCE_MS;
      if (isLate) this.#passOver(peerId, time);
      if (isLate || !isDirect(peerId)) this.#chosen.delete(peerId);
    }
    const isPassedOver = (peerId: string) => (this.#passedOver.get(peerId)?.until ?? time) > time;
    const ready = relaying.filter((peerId) => isDirect(peerId) && !isPassedOver(peerId));
    for (const peerId of [...ready.filter(hasRecord), ...ready.filter((each) => !hasRecord(each))]) {
      if (this.#chosen.size >= NEIGHBOUR_PLACES) break;
      const strangers = [...this.#chosen.keys()].filter((each) => !hasRecord(each)).length;
      if (this.#chosen.has(peerId) || (!hasRecord(peerId) && strangers > 0)) continue;
      this.#chosen.set(peerId, time);
    }
    return [...this.#chosen.keys()].filter((peerId) => !hasReservation(peerId));
  }

  #passOver(peerId: string, time: number): void {
    const times = (this.#passedOver.get(peerId)?.times ?? 0) + 1;
    const length = Math.min(MOST_PASSED_OVER_MS, FIRST_PASSED_OVER_MS * 2 ** (times - 1));
    this.#passedOver.set(peerId, { until: time + length, times });
  }
}
