import { PEERS_PER_ROUND, type PeersPerRound } from '../../protocol/peer-selection.ts';

/** How a device takes part in rounds. Fractions are of the answer stage, times in milliseconds. */
export interface RoundSettings {
  /** When answers are revealed. A device that has not committed by then keeps its answers to itself. */
  readonly revealAt: number;
  /** A round is joined only before this point of its answer stage. */
  readonly joinBefore: number;
  /** Commits of others are accepted for so long after the reveal time, because messages take time. */
  readonly commitGrace: number;
  /** Critics wait for so long for reveals that are still under way. */
  readonly settle: number;
  /** Peers to judge and to train on. */
  readonly peers: PeersPerRound;
  /** Failed rounds in a row after which the device pauses. */
  readonly failures: number;
  /** A device that finishes waits for so long for the first ack of its last attestation. */
  readonly ackGrace: number;
}

export const ROUND_SETTINGS: RoundSettings = {
  revealAt: 0.6,
  joinBefore: 0.3,
  commitGrace: 500,
  settle: 400,
  peers: PEERS_PER_ROUND,
  failures: 5,
  ackGrace: 3_000,
};
