/** The body of each type of message. docs/protocol.md describes them; message-types.ts lists the types. */
import {
  address,
  blob,
  flag,
  fraction,
  hex,
  link,
  list,
  nullable,
  oneOf,
  record,
  text,
  uint,
  type ValueOf,
} from '../../protocol/codec.ts';
import { LIMITS } from './limits.ts';
import { DAG_CBOR, RAW, rolloutSet } from './rollouts.ts';

const round = uint(LIMITS.round);
const item = uint(0xffff_ffff);
const sample = uint(LIMITS.completions - 1);

/**
 * The owner's EIP-712 `Delegation` and the device's `SessionConsent`, of a device that is bound to a wallet.
 */
const delegation = record({
  owner: address,
  sessionKey: address,
  peerId: hex(32),
  scope: uint(0xffff_ffff),
  validUntil: uint(LIMITS.sequence),
  epoch: uint(0xffff_ffff),
  nonce: uint(0xffff_ffff),
  /** The zero address when the device replaces none. */
  replaces: address,
  ownerSignature: hex(0, LIMITS.ownerSignature),
  consentSignature: hex(65),
});

/** The result of the conformance suite (docs/repops.md) on this device's engine. */
const conformance = record({
  verdict: oneOf('passed', 'failed', 'untested'),
  detail: text(LIMITS.conformanceDetail),
  /** sha2-256 of the table of expected digests. Zero when untested. */
  suite: hex(32),
});

/**
 * Introduces a device: who it is, what it computes with and where it can be reached. Sent every few seconds.
 */
export const hello = record({
  peerId: blob(39),
  delegation: nullable(delegation),
  engine: text(LIMITS.engine),
  conformance,
  /** Multiaddrs at which the device listens. */
  addresses: list(text(LIMITS.address), LIMITS.addresses),
  /** Whether the device relays handshakes for others. */
  relays: flag,
});

/** Commits to the answers that will be revealed. commitment.ts defines the digest. */
export const commit = record({ digest: hex(32) });

/**
 * Reveals the answers. `rollouts` is null when the set is too large to travel here. It is then fetched by
 * CID.
 */
export const reveal = record({ salt: hex(32), cid: link(DAG_CBOR), rollouts: nullable(rolloutSet) });

/** Judges answers of others. */
export const critique = record({
  judgements: list(
    record({ item, author: address, sample, text: text(LIMITS.judgementText), right: flag }),
    LIMITS.judgements,
  ),
});

/** Votes for the best answers and corrects own ones. */
export const vote = record({
  winners: list(address, LIMITS.winners),
  /** EIP-712 `Vote` by the device key, r, s, v. */
  signature: hex(65),
  ballots: list(record({ item, author: address, sample }), LIMITS.ballots),
  corrections: list(record({ item, text: text(LIMITS.correctionText) }), LIMITS.corrections),
});

/** The signed attestation, with the record that lets anyone recompute the round. */
export const attest = record({
  checkpointRoot: hex(32),
  rolloutDigest: hex(32),
  /** EIP-712 `Attestation` by the device key, r, s, v. */
  signature: hex(65),
  previousRoot: hex(32),
  checkpoint: link(RAW),
  rollouts: link(DAG_CBOR),
  /** Rollout sets of others, in the order of training. */
  foreign: list(link(DAG_CBOR), LIMITS.foreign),
  engine: text(LIMITS.engine),
  /** The conformance result of the engine that trained. */
  conformance,
  optimizerSteps: uint(1_000_000),
  meanReward: fraction,
  heldOutAccuracy: fraction,
});

/** Names attestations of others that this device has checked and keeps. */
export const ack = record({
  attestations: list(record({ author: address, round, checkpointRoot: hex(32) }), LIMITS.acks),
});

export type Delegation = ValueOf<typeof delegation>;
export type AttestBody = ValueOf<typeof attest>;
