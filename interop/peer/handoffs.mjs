/** Handoffs of a model in blocks ([P-140] to [P-142]): their bytes, roots and signatures. */
import { bigEndian, concat, equal, keccak, malformed, sha2 } from './bytes.mjs';
import { decode } from './cbor.mjs';
import { verifyRecoverable } from './identity.mjs';
import { address, bytes, bytes32, list, MOST_ROUND, map, text, uint } from './shapes.mjs';
import { handoffDigest } from './typed-data.mjs';

const slot = uint(2 ** 32 - 1);

/** The shape of a handoff. */
export const handoff = map({
  run: bytes32,
  step: uint(MOST_ROUND),
  hop: uint(2 ** 20 - 1),
  version: bytes32,
  inputs: bytes32,
  outputs: list(4096, map({ slot, tensor: text(160), root: bytes32 })),
  device: address,
  signature: bytes(65),
});

/** The run of a program and its initial state: both are 32 bytes. */
export function runOf(program, initial) {
  return keccak(program, initial);
}

/** The RFC 6962 root of leaves, with SHA-256. @param {Uint8Array[]} leaves */
function merkleRoot(leaves) {
  if (leaves.length === 1) return sha2(Uint8Array.of(0), leaves[0]);
  let split = 1;
  while (2 * split < leaves.length) split *= 2;
  return sha2(Uint8Array.of(1), merkleRoot(leaves.slice(0, split)), merkleRoot(leaves.slice(split)));
}

/** [P-141] @param {{ slot: number, root: Uint8Array }[]} tensors In the order of the hop. */
export function tensorsRoot(tensors) {
  if (tensors.length === 0) return new Uint8Array(32);
  return merkleRoot(tensors.map(({ slot, root }) => concat(bigEndian(slot, 4), root)));
}

/** The EIP-712 digest that its device signs. */
export function digestOfHandoff(domain, value) {
  return handoffDigest(domain, { ...value, outputs: tensorsRoot(value.outputs) });
}

/** Decodes a handoff and checks its signature. @param {Uint8Array} encoded */
export function readHandoff(domain, encoded) {
  const value = decode(encoded);
  handoff(value, 'handoff');
  if (!verifyRecoverable(value.signature, digestOfHandoff(domain, value), value.device))
    malformed('handoff.signature', 'that of its device');
  return value;
}

/** [P-202] A state record: the signed updates from which a state of a run follows. */
const stateRecord = map({ step: uint(MOST_ROUND), updates: list(256, handoff) });

/** @param {Uint8Array} encoded @param {Uint8Array} digest Of its CID. */
export function readStateRecord(encoded, digest) {
  if (!equal(sha2(encoded), digest)) malformed('record', 'the bytes that the CID names');
  const value = decode(encoded);
  stateRecord(value, 'record');
  return value;
}
