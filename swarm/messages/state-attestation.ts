/** The body of `state`: an attestation of a state of a run in blocks, which nobody has to hold whole. */
import { type Codec, CodecError, hex, link, record, uint, type ValueOf } from '../../protocol/codec.ts';
import { MOST_STEPS } from '../../protocol/handoff.ts';
import { DAG_CBOR, digestInCid } from './rollouts.ts';

const shape = record({
  /** The root of the whole model's checkpoint after the step. */
  checkpointRoot: hex(32),
  /** The digest inside the CID of the state record. */
  rolloutDigest: hex(32),
  /** EIP-712 `Attestation` by the device key, r, s, v. */
  signature: hex(65),
  /** Optimizer steps done. */
  step: uint(MOST_STEPS),
  /** The state record, from which the root follows. */
  record: link(DAG_CBOR),
});

export type StateBody = ValueOf<typeof shape>;

function checked(body: StateBody, path: string): StateBody {
  if (digestInCid(body.record) !== body.rolloutDigest)
    throw new CodecError('malformed', `${path}.rolloutDigest`, 'the digest in the CID of the record');
  if (body.step === 0) throw new CodecError('malformed', `${path}.step`, 'a step that was done');
  return body;
}

export const state: Codec<StateBody> = {
  encode: (value, path) => shape.encode(checked(value, path), path),
  decode: (value, path) => checked(shape.decode(value, path), path),
};
