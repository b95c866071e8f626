/** Why a message was not taken. Counted for people to see; only `malice` costs the peer that passed it on. */
export const REFUSALS = [
  'malformed',
  'oversized',
  'wrong-run',
  'wrong-topic',
  'stale',
  'replayed',
  'unbound-key',
  'false-signature',
  'over-quota',
  'wrong-stage',
  'unmatched-reveal',
  'copied',
  'overflow',
] as const;

export type Refusal = (typeof REFUSALS)[number];

const malice: ReadonlySet<Refusal> = new Set([
  'malformed',
  'oversized',
  'wrong-run',
  'wrong-topic',
  'false-signature',
]);

/** Whether no honest peer would have passed such a message on. */
export function isMalice(reason: Refusal): boolean {
  return malice.has(reason);
}

/** Refusals by reason, since the start. */
export class RefusalCounts {
  readonly #counts = new Map<Refusal, number>();

  add(reason: Refusal): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
  }

  get(reason: Refusal): number {
    return this.#counts.get(reason) ?? 0;
  }

  snapshot(): Readonly<Partial<Record<Refusal, number>>> {
    return Object.fromEntries(this.#counts);
  }
}
