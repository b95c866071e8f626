import {
  address,
  blob,
  type Codec,
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
} from './codec.ts';
import { LIMITS } from './limits.ts';
import { DAG_CBOR, RAW, rolloutSet } from './rollouts.ts';

const round = uint(LIMITS.round);
const item = uint(0xffff_ffff);
const sample = uint(LIMITS.completions - 1);

/** The owner's EIP-712 Delegation with the device's SessionConsent, when the device is bound to a wallet. */
const delegation = record({
  owner: address,
  sessionKey: address,
  peerId: hex(32),
  scope: uint(0xffff_ffff),
  validUntil: uint(LIMITS.sequence),
  epoch: uint(0xffff_ffff),
  ownerSignature: hex(0, LIMITS.ownerSignature),
  consentSignature: hex(65),
});

/** What the gate found on this device: docs/repops.md, compute/conformance. */
const conformance = record({
  verdict: oneOf('passed', 'failed', 'untested'),
  detail: text(LIMITS.conformanceDetail),
  /** Which expected bits it was held against: sha2-256 of the table of cases; zero when untested. */
  suite: hex(32),
});

/** Who this device is, what computes there and where it can be reached. Sent on joining and every few seconds. */
const hello = record({
  peerId: blob(39),
  delegation: nullable(delegation),
  engine: text(LIMITS.engine),
  conformance,
  /** Multiaddrs at which the device listens. */
  addresses: list(text(LIMITS.address), LIMITS.addresses),
  /** Whether it relays handshakes for others. */
  relays: flag,
});

/** The digest of what will be revealed; see commitmentOf. */
const commit = record({ digest: hex(32) });

/** `rollouts` is null when the set is too large to travel here and is to be fetched by CID. */
const reveal = record({ salt: hex(32), cid: link(DAG_CBOR), rollouts: nullable(rolloutSet) });

const critique = record({
  judgements: list(
    record({ item, author: address, sample, text: text(LIMITS.judgementText), right: flag }),
    LIMITS.judgements,
  ),
});

const vote = record({
  winners: list(address, LIMITS.winners),
  /** EIP-712 `Vote` by the device key, r, s, v. */
  signature: hex(65),
  ballots: list(record({ item, author: address, sample }), LIMITS.ballots),
  corrections: list(record({ item, text: text(LIMITS.correctionText) }), LIMITS.corrections),
});

/** The signed attestation and the record that lets anyone recompute the round. */
const attest = record({
  checkpointRoot: hex(32),
  rolloutDigest: hex(32),
  /** EIP-712 `Attestation` by the device key, r, s, v. */
  signature: hex(65),
  previousRoot: hex(32),
  checkpoint: link(RAW),
  rollouts: link(DAG_CBOR),
  /** Rollout sets of others in the order in which they were trained on. */
  foreign: list(link(DAG_CBOR), LIMITS.foreign),
  engine: text(LIMITS.engine),
  /** The gate's verdict on the engine that trained. */
  conformance,
  optimizerSteps: uint(1_000_000),
  meanReward: fraction,
  heldOutAccuracy: fraction,
});

/** Attestations of others that this device has checked and keeps. */
const ack = record({
  attestations: list(record({ author: address, round, checkpointRoot: hex(32) }), LIMITS.acks),
});

export const bodies = { hello, commit, reveal, critique, vote, attest, ack } as const;

export type MessageType = keyof typeof bodies;
type BodyOf<C> = C extends Codec<infer T> ? T : never;
export type Body<T extends MessageType> = BodyOf<(typeof bodies)[T]>;
export type Delegation = BodyOf<typeof delegation>;
export type AttestBody = Body<'attest'>;

/** The gossip topic each type travels on. */
export const topicOf = {
  hello: 'presence',
  ack: 'attestations',
  commit: 'rounds',
  reveal: 'rounds',
  critique: 'rounds',
  vote: 'rounds',
  attest: 'attestations',
} as const satisfies Record<MessageType, TopicName>;

export type TopicName = 'presence' | 'rounds' | 'attestations';
