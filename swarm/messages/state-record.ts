/**
 * What a state of a run in blocks follows from: the signed updates of its last step. Members keep it beside
 * their blocks, and publish it with an attestation.
 */
import { decodeCanonical, encodeCanonical } from '../../protocol/canonical.ts';
import { CodecError, list, record, uint, type ValueOf } from '../../protocol/codec.ts';
import { handoffCodec, MOST_STEPS } from '../../protocol/handoff.ts';
import { LIMITS } from './limits.ts';
import { cidOf, DAG_CBOR } from './rollouts.ts';

/** A state record. Whether its updates give all blocks' tensors is for whoever knows the run. */
export const stateRecordCodec = record({
  /** Optimizer steps done. */
  step: uint(MOST_STEPS),
  /** The handoffs of the last of them that gave the blocks' tensors. */
  updates: list(handoffCodec, LIMITS.stateUpdates),
});

export type StateRecord = ValueOf<typeof stateRecordCodec>;

/**
 * The published bytes of a state record and their CIDv1 (dag-cbor, sha2-256). Throws CodecError beyond a
 * limit, and above 1 MiB.
 */
export function encodeStateRecord(state: StateRecord): { readonly bytes: Uint8Array; readonly cid: string } {
  const bytes = encodeCanonical(stateRecordCodec, state);
  if (bytes.length > LIMITS.stateRecord)
    throw new CodecError('oversized', 'record', `at most ${LIMITS.stateRecord} bytes`);
  return { bytes, cid: cidOf(bytes, DAG_CBOR) };
}

/** Decodes a published state record. Throws CodecError. */
export function decodeStateRecord(bytes: Uint8Array): StateRecord {
  return decodeCanonical(stateRecordCodec, bytes, LIMITS.stateRecord);
}
