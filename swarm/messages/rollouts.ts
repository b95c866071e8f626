import { sha256 } from '@noble/hashes/sha2.js';
import { CID } from 'multiformats/cid';
import { create } from 'multiformats/hashes/digest';
import { decodeCanonical, encodeCanonical } from '../../protocol/canonical.ts';
import {
  address,
  type Codec,
  CodecError,
  float32List,
  hex,
  list,
  record,
  text,
  uint,
  uint32List,
} from '../../protocol/codec.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { toHex } from '../../protocol/hex.ts';
import type { RolloutSet } from '../../protocol/trainer.ts';
import { LIMITS } from './limits.ts';

export const DAG_CBOR = 0x71;
export const RAW = 0x55;
const SHA2_256 = 0x12;

const completion = record({
  text: text(LIMITS.text),
  tokens: uint32List(LIMITS.tokens),
  logprobs: float32List(LIMITS.tokens),
});

const shape = record({
  author: address,
  modelRoot: hex(32),
  groups: list(
    record({ item: uint(0xffff_ffff), completions: list(completion, LIMITS.completions) }),
    LIMITS.groups,
  ),
});

/** A rollout set. Items ascend strictly. Each group has a completion. Each token has a log-probability. */
export const rolloutSet: Codec<RolloutSet> = {
  encode: (value, path) => shape.encode(checked(value, path), path),
  decode: (value, path) => checked(shape.decode(value, path), path),
};

function checked(set: RolloutSet, path: string): RolloutSet {
  let last = -1;
  for (const group of set.groups) {
    if (group.item <= last) throw new CodecError('malformed', `${path}.groups`, 'items in ascending order');
    last = group.item;
    if (group.completions.length === 0)
      throw new CodecError('malformed', `${path}.groups`, 'a completion per group');
    if (group.completions.some(({ tokens, logprobs }) => tokens.length !== logprobs.length)) {
      throw new CodecError('malformed', `${path}.groups`, 'as many log-probabilities as tokens');
    }
  }
  return set;
}

/** The published bytes of a rollout set and their CIDv1 (dag-cbor, sha2-256). */
export function encodeRollouts(set: RolloutSet): { readonly bytes: Uint8Array; readonly cid: string } {
  const bytes = encodeCanonical(rolloutSet, set);
  if (bytes.length > LIMITS.rollouts)
    throw new CodecError('oversized', 'rollouts', `at most ${LIMITS.rollouts} bytes`);
  return { bytes, cid: cidOf(bytes, DAG_CBOR) };
}

/** Decodes a rollout set under the limits. Throws CodecError. */
export function decodeRollouts(bytes: Uint8Array): RolloutSet {
  return decodeCanonical(rolloutSet, bytes, LIMITS.rollouts);
}

/** CIDv1 text of bytes under a codec, with sha2-256. */
export function cidOf(bytes: Uint8Array, code: number): string {
  return CID.createV1(code, create(SHA2_256, sha256(bytes))).toString();
}

/**
 * The 32-byte sha2-256 digest inside a CID, as attestations carry it. Throws when the text is not such a CID.
 */
export function digestInCid(cid: string): Hex {
  const { multihash } = CID.parse(cid);
  if (multihash.code !== SHA2_256 || multihash.size !== 32)
    throw new TypeError('Expected a CID with sha2-256.');
  return toHex(multihash.digest);
}

/** Why a set that names another author is not taken. */
export function foreignSet(author: DeviceAddress, named: DeviceAddress): string {
  return `${author} reveals a set that names ${named} as its author`;
}
