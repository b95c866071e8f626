import type { ClockReading, Ledger, Stage } from '../../protocol/ledger.ts';
import { type Scheduler, wait } from '../scheduler.ts';

/** The chain has moved on to another round before this one's work was done. */
export class RoundOverError extends Error {
  override readonly name = 'RoundOverError';
}

/** Chain time, and local timers to wait for it. */
export interface StageClock {
  readonly ledger: Pick<Ledger, 'clock'>;
  readonly scheduler: Scheduler;
}

const ORDER: Readonly<Record<Stage, number>> = { answer: 0, critique: 1, vote: 2 };

/** Whether the reading is of (round, stage) or later. */
export function hasReached(reading: ClockReading, round: number, stage: Stage): boolean {
  return reading.round > round || (reading.round === round && ORDER[reading.stage] >= ORDER[stage]);
}

/** Waits until the clock satisfies `reached`. Reads it at least every 100 ms, because chain time may jump. */
export async function waitFor(
  { ledger, scheduler }: StageClock,
  reached: (reading: ClockReading) => boolean,
  signal: AbortSignal,
): Promise<ClockReading> {
  for (;;) {
    signal.throwIfAborted();
    const reading = ledger.clock.read();
    if (reached(reading)) return reading;
    await wait(scheduler, Math.min(100, Math.max(1, reading.untilStageEnd)), signal);
  }
}

/** Waits for a stage of a round. Throws RoundOverError when the round is over. */
export async function waitForStage(
  clock: StageClock,
  round: number,
  stage: Stage,
  signal: AbortSignal,
): Promise<ClockReading> {
  const reading = await waitFor(clock, (now) => hasReached(now, round, stage), signal);
  if (reading.round !== round)
    throw new RoundOverError(`Round ${round} was over before its ${stage} stage could be joined.`);
  return reading;
}
