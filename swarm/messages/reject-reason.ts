/** Why a message was rejected. `penalised` reasons also cost the peer that passed the message on. */
const REASONS = {
  malformed: { penalised: true },
  oversized: { penalised: true },
  'wrong-network': { penalised: true },
  'wrong-topic': { penalised: true },
  stale: { penalised: false },
  replayed: { penalised: false },
  'unbound-key': { penalised: true },
  'false-signature': { penalised: true },
  'over-quota': { penalised: false },
  'wrong-stage': { penalised: false },
  'unmatched-reveal': { penalised: false },
  overflow: { penalised: false },
} as const;

export type RejectReason = keyof typeof REASONS;

export const REJECT_REASONS = Object.keys(REASONS) as readonly RejectReason[];

/** Whether no honest peer would have passed such a message on. */
export function isPenalised(reason: RejectReason): boolean {
  return REASONS[reason].penalised;
}

/** Counts rejected messages by reason, since the start. */
export class RejectCounts {
  readonly #counts = new Map<RejectReason, number>();

  add(reason: RejectReason): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
  }

  get(reason: RejectReason): number {
    return this.#counts.get(reason) ?? 0;
  }

  snapshot(): Readonly<Partial<Record<RejectReason, number>>> {
    return Object.fromEntries(this.#counts);
  }
}
