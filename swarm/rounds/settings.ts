/** How a device takes part in rounds. Fractions are of the answer stage. */
export interface RoundSettings {
  /** When answers are revealed; who has not committed by then sits out. */
  readonly revealAt: number;
  /** A round is joined only before this point of its answer stage. */
  readonly joinBefore: number;
  /** Others' commits are taken this long after the reveal time, for messages under way; milliseconds. */
  readonly commitGrace: number;
  /** Time left for reveals to arrive before critics read them; milliseconds. */
  readonly settle: number;
  /** Peers whose answers are judged. */
  readonly critiqued: number;
  /** Foreign rollout sets to offer the trainer, which draws as many samples from them as from its own. */
  readonly foreign: number;
  /** Failures in a row after which the device pauses. */
  readonly failures: number;
  /** How long a device that finishes waits for the first ack of its last attestation; milliseconds. */
  readonly ackGrace: number;
}

export const ROUND_SETTINGS: RoundSettings = {
  revealAt: 0.6,
  joinBefore: 0.3,
  commitGrace: 500,
  settle: 400,
  critiqued: 2,
  foreign: 8,
  failures: 5,
  ackGrace: 3_000,
};
