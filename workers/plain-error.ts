import { DeviceLostError, EngineMemoryError } from '../compute/engines/engine.ts';
import { StorageBusyError, StorageDamagedError, StorageFullError } from '../models/storage/directory.ts';
import { RoundRefusedError } from '../training/trainer.ts';
import { ModelFetchError } from './published-model.ts';

/** What went wrong, as far as the other side must act on it. */
export type FailureKind =
  | 'aborted'
  | 'storage-full'
  | 'storage-busy'
  | 'storage-damaged'
  | 'device-lost'
  | 'out-of-memory'
  | 'model-unreachable'
  | 'round-refused'
  | 'other';

/** An error that can cross to another thread without losing what it is. */
export interface PlainError {
  readonly kind: FailureKind;
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
}

/** A failure in the compute worker, as its client throws it. `kind` says what it is, the message what to do. */
export class ComputeError extends Error {
  override readonly name = 'ComputeError';
  readonly kind: FailureKind;
  /** Name of the error's class in the worker. */
  readonly origin: string;
  constructor(plain: PlainError) {
    super(plain.message);
    this.kind = plain.kind;
    this.origin = plain.name;
    if (plain.stack !== undefined) this.stack = plain.stack;
  }
}

const KINDS: readonly (readonly [abstract new (...never: never[]) => Error, FailureKind])[] = [
  [StorageFullError, 'storage-full'],
  [StorageBusyError, 'storage-busy'],
  [StorageDamagedError, 'storage-damaged'],
  [DeviceLostError, 'device-lost'],
  [EngineMemoryError, 'out-of-memory'],
  [ModelFetchError, 'model-unreachable'],
  [RoundRefusedError, 'round-refused'],
];

/** Flattens anything thrown. */
export function toPlainError(thrown: unknown): PlainError {
  if (isAbort(thrown)) return { kind: 'aborted', name: 'AbortError', message: messageOf(thrown) };
  const kind = KINDS.find(([type]) => thrown instanceof type)?.[1] ?? 'other';
  if (!(thrown instanceof Error)) return { kind, name: 'Error', message: String(thrown) };
  const { name, message, stack } = thrown;
  return { kind, name, message, ...(stack === undefined ? {} : { stack }) };
}

/** The error to throw on this side: an AbortError stays one, so that `signal`-aware callers see what they expect. */
export function fromPlainError(plain: PlainError): Error {
  return plain.kind === 'aborted' ? new DOMException(plain.message, 'AbortError') : new ComputeError(plain);
}

function isAbort(thrown: unknown): boolean {
  return typeof thrown === 'object' && thrown !== null && 'name' in thrown && thrown.name === 'AbortError';
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : 'Aborted.';
}
