import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import type { AttestBody } from '../../swarm/messages/bodies.ts';
import { LIMITS } from '../../swarm/messages/limits.ts';

/**
 * One device's round as it was published: everything by name, so that anybody can fetch it and recompute it.
 */
export interface RoundRecord {
  readonly version: 1;
  /** `<chain id>:<participation contract>:<swarm>`. */
  readonly run: string;
  readonly device: DeviceAddress;
  readonly round: number;
  /** The round's seed on the chain. */
  readonly seed: Hex;
  readonly checkpointRoot: Hex;
  readonly rolloutDigest: Hex;
  /** EIP-712 `Attestation` by the device, r, s, v. */
  readonly signature: Hex;
  readonly previousRoot: Hex;
  /** CID of the checkpoint after the round. */
  readonly checkpoint: string;
  /** CID of the device's own rollouts. */
  readonly rollouts: string;
  /** Rollouts of others in training order; the author is null where nobody told the archive. */
  readonly foreign: readonly { readonly cid: string; readonly author: DeviceAddress | null }[];
  readonly engine: string;
}

/** A record file that is none. */
export class RecordError extends Error {
  override readonly name = 'RecordError';
}

/** Builds a record from an attest message and what the archive knows besides. */
export function roundRecord(options: {
  readonly run: string;
  readonly device: DeviceAddress;
  readonly round: number;
  readonly seed: Hex;
  readonly body: AttestBody;
  readonly authorOf: (cid: string) => DeviceAddress | null;
}): RoundRecord {
  const { run, device, round, seed, body, authorOf } = options;
  const { checkpointRoot, rolloutDigest, signature, previousRoot, checkpoint, rollouts, engine } = body;
  return {
    version: 1,
    run,
    device,
    round,
    seed,
    checkpointRoot,
    rolloutDigest,
    signature,
    previousRoot,
    checkpoint,
    rollouts,
    foreign: body.foreign.map((cid) => ({ cid, author: authorOf(cid) })),
    engine,
  };
}

/** File name of a record in an archive: sorts by round. */
export function recordName({ round, device }: Pick<RoundRecord, 'round' | 'device'>): string {
  return `${String(round).padStart(13, '0')}-${device}.json`;
}

/** Round and device in a record's file name, or undefined. */
export function parseRecordName(
  name: string,
): { readonly round: number; readonly device: DeviceAddress } | undefined {
  const match = /^(\d{13})-(0x[0-9a-f]{40})\.json$/.exec(name);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { round: Number(match[1]), device: match[2] as DeviceAddress };
}

export function formatRecord(record: RoundRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}

/** Reads a record file. Throws RecordError naming the first field that is wrong. */
export function parseRecord(text: string): RoundRecord {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new RecordError('The record is not JSON. Name a record file of an archive, or device:round.');
  }
  if (typeof json !== 'object' || json === null) throw wrong('content');
  const file = json as Readonly<Record<string, unknown>>;
  const matching = (field: string, value: unknown, pattern: RegExp): string => {
    if (typeof value !== 'string' || !pattern.test(value)) throw wrong(field);
    return value;
  };
  const hex = (field: string, bytes: number): Hex =>
    matching(field, file[field], new RegExp(`^0x[0-9a-f]{${2 * bytes}}$`)) as Hex;
  const cid = (field: string, value: unknown) => matching(field, value, /^b[a-z2-7]{20,120}$/);
  if (file.version !== 1) throw wrong('version');
  const { round, foreign } = file;
  if (typeof round !== 'number' || !Number.isSafeInteger(round) || round < 0) throw wrong('round');
  if (!Array.isArray(foreign) || foreign.length > LIMITS.foreign) throw wrong('foreign');
  return {
    version: 1,
    run: matching('run', file.run, /^[a-z0-9:._-]{1,96}$/),
    device: hex('device', 20),
    round,
    seed: hex('seed', 32),
    checkpointRoot: hex('checkpointRoot', 32),
    rolloutDigest: hex('rolloutDigest', 32),
    signature: hex('signature', 65),
    previousRoot: hex('previousRoot', 32),
    checkpoint: cid('checkpoint', file.checkpoint),
    rollouts: cid('rollouts', file.rollouts),
    foreign: foreign.map((entry: unknown, index) => {
      const { cid: name, author } = (entry ?? {}) as Readonly<Record<string, unknown>>;
      return {
        cid: cid(`foreign[${index}].cid`, name),
        author:
          author === null
            ? null
            : (matching(`foreign[${index}].author`, author, /^0x[0-9a-f]{40}$/) as DeviceAddress),
      };
    }),
    engine: matching('engine', file.engine, /^.{0,96}$/su),
  };
}

function wrong(field: string): RecordError {
  return new RecordError(`The record has no usable ${field}. Name a record file of an archive.`);
}
