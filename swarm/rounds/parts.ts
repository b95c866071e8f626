import type { ConformanceReport } from '../../protocol/conformance-report.ts';
import type { DeviceKey } from '../../protocol/device-key.ts';
import type { ClockReading, Ledger, Stage } from '../../protocol/ledger.ts';
import type { Trainer } from '../../protocol/trainer.ts';
import type { Content } from '../content/content.ts';
import type { Gossip } from '../gossip.ts';
import { type Scheduler, wait } from '../scheduler.ts';
import type { Acknowledgements } from './acknowledgements.ts';
import type { RoundEvent } from './events.ts';
import type { RoundRecords } from './records.ts';
import type { RoundSettings } from './settings.ts';

/** What every stage of a round works with. */
export interface RoundParts {
  readonly trainer: Trainer;
  readonly ledger: Ledger;
  readonly gossip: Gossip;
  readonly content: Pick<Content, 'publishObject' | 'publishFile' | 'fetchObject'>;
  readonly deviceKey: DeviceKey;
  readonly scheduler: Scheduler;
  /** `count` random bytes, for the salt of a commit. */
  readonly randomBytes: (count: number) => Uint8Array;
  /** What computes, for the record: "wasm SIMD, 2 workers". */
  readonly engine: string;
  /** The gate's verdict on the engine in use, for the record. */
  readonly conformance: () => ConformanceReport;
  readonly settings: RoundSettings;
  readonly records: RoundRecords;
  readonly acknowledgements: Acknowledgements;
  readonly emit: (event: RoundEvent) => void;
  readonly status: (sentence: string) => void;
}

/** The chain has moved on to another round while this one's work was not done. */
export class RoundOver extends Error {
  override readonly name = 'RoundOver';
}

const ORDER: Readonly<Record<Stage, number>> = { answer: 0, critique: 1, vote: 2 };

/** Whether the reading is of a later stage than (round, stage), or of that one. */
export function hasReached(reading: ClockReading, round: number, stage: Stage): boolean {
  return reading.round > round || (reading.round === round && ORDER[reading.stage] >= ORDER[stage]);
}

/** Waits until the clock satisfies `reached`. Reads it every 100 ms, because chain time may jump. */
export async function waitFor(
  { ledger, scheduler }: Pick<RoundParts, 'ledger' | 'scheduler'>,
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

/** Waits for a stage of a round. Throws RoundOver when the round has passed. */
export async function waitForStage(
  parts: Pick<RoundParts, 'ledger' | 'scheduler'>,
  round: number,
  stage: Stage,
  signal: AbortSignal,
): Promise<ClockReading> {
  const reading = await waitFor(parts, (now) => hasReached(now, round, stage), signal);
  if (reading.round !== round)
    throw new RoundOver(`Round ${round} was over before its ${stage} stage could be joined.`);
  return reading;
}
