import { parseEther } from 'viem';

/** How long a claim can be challenged, the players' clocks, and their bonds (contracts/src/disputes). */
export interface DisputeSettings {
  /** Seconds after a claim to notice it. The time to repeat its run comes on top. */
  readonly window: number;
  /** Seconds in which anybody who checks a claim has to be able to repeat one step. */
  readonly stepSeconds: number;
  /** Seconds that each player has for all of its moves. The time to repeat the run comes on top. */
  readonly budget: number;
  /** The fewest seconds that a player has after the other's move. */
  readonly extension: number;
  /** Wei for each move that a game can have. */
  readonly moveBond: bigint;
}

/**
 * The settings of a local network: a person can watch a window pass, and an auditor on the same machine has
 * time to repeat a small run.
 */
export const LOCAL_DISPUTES: DisputeSettings = {
  window: 120,
  stepSeconds: 1,
  budget: 600,
  extension: 60,
  moveBond: parseEther('0.001'),
};

/**
 * The settings of a public chain. The budget exceeds the longest outage of a sequencer that is known, a day,
 * and the window is the time that a person takes to notice a claim.
 */
export const PUBLIC_DISPUTES: DisputeSettings = {
  window: 86_400,
  stepSeconds: 10,
  budget: 172_800,
  extension: 3600,
  moveBond: parseEther('0.001'),
};
