import type { ConformanceReport } from '../../protocol/conformance-report.ts';
import type { DeviceKey } from '../../protocol/device-key.ts';
import type { Ledger } from '../../protocol/ledger.ts';
import type { Trainer } from '../../protocol/trainer.ts';
import type { Content } from '../content/content.ts';
import type { Gossip } from '../gossip.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Acknowledgements } from './acknowledgements.ts';
import type { AttestationOutbox } from './attestation-outbox.ts';
import type { PublishCheckpoint } from './checkpoint-publisher.ts';
import type { RoundEvent } from './events.ts';
import type { RoundRecords } from './round-records.ts';
import type { RoundSettings } from './round-settings.ts';

/** What every stage of a round works with. */
export interface RoundDependencies {
  readonly trainer: Trainer;
  /** Milliseconds that the trainer's calls for a round took so far. */
  readonly computeMsOf: (round: number) => number;
  readonly ledger: Ledger;
  readonly gossip: Gossip;
  readonly content: Pick<Content, 'publishObject' | 'fetchObject'>;
  readonly publishCheckpoint: PublishCheckpoint;
  readonly deviceKey: DeviceKey;
  readonly scheduler: Scheduler;
  /** `count` random bytes, for the salt of a commit. */
  readonly randomBytes: (count: number) => Uint8Array;
  /** Description of the engine, for the record: "wasm SIMD, 2 workers". */
  readonly engine: string;
  /** The conformance result of the engine in use, for the record. */
  readonly conformance: () => ConformanceReport;
  readonly settings: RoundSettings;
  readonly records: RoundRecords;
  readonly acknowledgements: Acknowledgements;
  readonly outbox: AttestationOutbox;
  readonly emit: (event: RoundEvent) => void;
  /** Shows a sentence to the person at the device. */
  readonly status: (sentence: string) => void;
}
