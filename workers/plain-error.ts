import { DeviceLostError, EngineMemoryError } from '../compute/engines/engine.ts';
import { StorageBusyError, StorageDamagedError, StorageFullError } from '../models/storage/directory.ts';
import { RoundRefusedError } from '../training/trainer.ts';
import { ModelFetchError } from './published-model.ts';

/** The kinds of failure that the other side treats differently. */
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

/** An error as plain data, which can cross to another thread. */
export interface PlainError {
  readonly kind: FailureKind;
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
}

/**
 * A failure in a worker, as its client throws it. `kind` tells the cause, and the message tells the remedy.
 */
export class ComputeError extends Error {
  override readonly name = 'ComputeError';
  readonly kind: FailureKind;
  /** Name of the error class in the worker. */
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

/** Anything thrown as plain data. */
export function toPlainError(thrown: unknown): PlainError {
  if (isAbort(thrown)) {
    const message = thrown instanceof Error ? thrown.message : 'Aborted.';
    return { kind: 'aborted', name: 'AbortError', message };
  }
  const kind = KINDS.find(([type]) => thrown instanceof type)?.[1] ?? 'other';
  if (!(thrown instanceof Error)) return { kind, name: 'Error', message: String(thrown) };
  const { name, message, stack } = thrown;
  return { kind, name, message, stack };
}

/** The error to throw on this side. An AbortError stays one, since callers that pass a signal expect it. */
export function fromPlainError(plain: PlainError): Error {
  return plain.kind === 'aborted' ? new DOMException(plain.message, 'AbortError') : new ComputeError(plain);
}

function isAbort(thrown: unknown): boolean {
  return typeof thrown === 'object' && thrown !== null && 'name' in thrown && thrown.name === 'AbortError';
}
