import type { DeviceAddress } from '../../protocol/hex.ts';
import { accountOf, rankOf, type Standing } from '../../protocol/standing.ts';
import type { Message } from '../../swarm/messages/envelope.ts';

/** An attested round that waits to be fetched, with what the chain says of its author. */
export interface WaitingRound {
  readonly message: Message<'attest'>;
  readonly standing: Standing;
}

export interface WaitingLimits {
  /** Rounds that wait. */
  readonly places: number;
  /** Rounds of one account that wait. */
  readonly placesEach: number;
  /** Rounds fetched at once; strangers have one of them together, and so has each account. */
  readonly atOnce: number;
}

/**
 * Attested rounds in the order of their authors' standing, and of arrival within it. A full queue gives up
 * its newest round of the lowest standing, so strangers never push out a device that the chain knows.
 */
export class WaitingRounds {
  readonly #limits: WaitingLimits;
  #waiting: WaitingRound[] = [];
  readonly #running = new Set<WaitingRound>();

  constructor(limits: WaitingLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** Takes a round. Returns the one that got no place, which may be the same. */
  add(round: WaitingRound): WaitingRound | undefined {
    const account = accountIn(round);
    const rank = rankOf(round.standing);
    const own = this.#waiting.filter((other) => accountIn(other) === account).length;
    if (own >= this.#limits.placesEach) return round;
    const behind = this.#waiting.findIndex((other) => rankOf(other.standing) > rank);
    this.#waiting.splice(behind === -1 ? this.#waiting.length : behind, 0, round);
    return this.#waiting.length > this.#limits.places ? this.#waiting.pop() : undefined;
  }

  /** The next round to fetch, which runs from now on; undefined while none may. */
  take(): WaitingRound | undefined {
    if (this.#running.size >= this.#limits.atOnce) return undefined;
    const running = [...this.#running];
    const next = this.#waiting.find(
      (round) =>
        running.every((other) => accountIn(other) !== accountIn(round)) &&
        (round.standing.kind !== 'unknown' || running.every(({ standing }) => standing.kind !== 'unknown')),
    );
    if (next === undefined) return undefined;
    this.#waiting = this.#waiting.filter((round) => round !== next);
    this.#running.add(next);
    return next;
  }

  done(round: WaitingRound): void {
    this.#running.delete(round);
  }

  clear(): void {
    this.#waiting = [];
  }
}

/** Whoever the round is counted for. */
export function accountIn({ message, standing }: WaitingRound): string {
  return accountOf(message.author as DeviceAddress, standing);
}
