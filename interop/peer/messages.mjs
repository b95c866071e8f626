/** The envelope, the bodies and the signature of a message ([P-30] to [P-49], [P-160], [P-200]). */
import { equal, malformed, oversized, RefusedError, sha2 } from './bytes.mjs';
import { decode, encode } from './cbor.mjs';
import { addressOf, verify } from './identity.mjs';
import { rolloutSet } from './rollout-set.mjs';
import {
  address,
  also,
  bytes,
  bytes32,
  DAG_CBOR,
  flag,
  fraction,
  link,
  list,
  MOST_ROUND,
  map,
  nullable,
  oneOf,
  RAW,
  text,
  uint,
} from './shapes.mjs';

const VERSION = 2;
const MOST_BYTES = 65_536;
const MOST_INLINE = 24_576;
const SIGNED = 'starling/message/2\n';

const integer = uint(Number.MAX_SAFE_INTEGER);
const item = uint(2 ** 32 - 1);
const sample = uint(63);
const signature = bytes(65);
const round = uint(MOST_ROUND);
const conformance = map({
  verdict: oneOf('passed', 'failed', 'untested'),
  detail: text(160),
  suite: bytes32,
});
const delegation = map({
  owner: address,
  sessionKey: address,
  peerId: bytes32,
  scope: integer,
  validUntil: integer,
  epoch: integer,
  nonce: integer,
  replaces: address,
  ownerSignature: bytes(0, 1024),
  consentSignature: signature,
});

/** Whether each is above the one before it. */
function ascending(values, compare) {
  return values.every((value, index) => index === 0 || compare(values[index - 1], value) < 0);
}

const compareBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const blockId = text(32, /^[a-z0-9][a-z0-9._-]*$/);

/** Each type's body, and the topic that it travels on at level 0 ([P-22]). */
export const TYPES = {
  hello: {
    topic: 'presence',
    body: map({
      peerId: bytes(39),
      delegation: nullable(delegation),
      engine: text(96),
      conformance,
      addresses: list(8, text(320)),
      relays: flag,
    }),
  },
  commit: { topic: 'rounds', body: map({ digest: bytes32 }) },
  reveal: {
    topic: 'rounds',
    body: map({ salt: bytes32, cid: link(DAG_CBOR), rollouts: nullable(rolloutSet) }),
  },
  critique: {
    topic: 'rounds',
    body: map({
      judgements: list(256, map({ item, author: address, sample, text: text(512), right: flag })),
    }),
  },
  vote: {
    topic: 'rounds',
    body: map({
      winners: list(64, address),
      signature,
      ballots: list(256, map({ item, author: address, sample })),
      corrections: list(256, map({ item, text: text(1024) })),
    }),
  },
  attest: {
    topic: 'attestations',
    body: map({
      checkpointRoot: bytes32,
      rolloutDigest: bytes32,
      previousRoot: bytes32,
      signature,
      checkpoint: link(RAW),
      rollouts: link(DAG_CBOR),
      foreign: list(64, link(DAG_CBOR)),
      engine: text(96),
      conformance,
      optimizerSteps: uint(1_000_000),
      meanReward: fraction,
      heldOutAccuracy: fraction,
    }),
  },
  ack: {
    topic: 'attestations',
    body: map({ attestations: list(64, map({ author: address, round, checkpointRoot: bytes32 })) }),
  },
  blocks: {
    topic: 'pipeline',
    body: also(
      map({
        role: oneOf('keeper', 'guest', 'leaving'),
        asks: flag,
        freeBytes: integer,
        latencyClass: uint(3),
        held: list(256, map({ block: blockId, step: round, version: link(RAW), root: bytes32 })),
        refused: list(64, map({ block: blockId, reason: oneOf('full', 'damaged') })),
      }),
      ({ held, refused }, path) => {
        const byBlock = (a, b) => compareBytes(a.block, b.block);
        if (!ascending(held, (a, b) => byBlock(a, b) || a.step - b.step) || !ascending(refused, byBlock))
          malformed(path, 'with strictly ascending entries');
      },
    ),
  },
  state: {
    topic: 'pipeline',
    body: also(
      map({
        checkpointRoot: bytes32,
        rolloutDigest: bytes32,
        signature,
        step: uint(MOST_ROUND, 1),
        record: link(DAG_CBOR),
      }),
      ({ record, rolloutDigest }, path) => {
        if (!equal(record.cid.slice(4), rolloutDigest)) malformed(path, 'with the digest inside record');
      },
    ),
  },
};

const envelope = map({
  v: integer,
  run: text(96),
  type: oneOf(...Object.keys(TYPES)),
  round,
  seq: integer,
  from: bytes(33),
  body: () => {},
  sig: bytes(64),
});

/** [P-33] The 32 bytes that the author signs. */
function signedDigest({ sig: _, ...unsigned }) {
  return sha2(SIGNED, encode(unsigned));
}

/** Signs and encodes a message. @returns {Uint8Array} */
export function encodeMessage(identity, { run, type, round, seq, body }) {
  TYPES[type].body(body, type);
  const unsigned = { v: VERSION, run, type, round, seq, from: identity.publicKey, body };
  const encoded = encode({ ...unsigned, sig: identity.sign(signedDigest(unsigned)) });
  if (encoded.length > MOST_BYTES) oversized(type, `at most ${MOST_BYTES} bytes`);
  return encoded;
}

/**
 * Decodes a message and checks everything but who may say it now: canonical bytes, keys, limits, signature.
 * @param {Uint8Array} encoded
 */
export function readMessage(encoded) {
  if (encoded.length > MOST_BYTES) oversized('', `at most ${MOST_BYTES} bytes`);
  const message = decode(encoded);
  if (message?.v !== undefined && message.v !== VERSION)
    malformed('v', `version ${VERSION}, not version ${String(message.v)}`);
  envelope(message, '');
  TYPES[message.type].body(message.body, message.type);
  const { type, body } = message;
  if (type === 'reveal' && body.rollouts !== null && encode(body.rollouts).length > MOST_INLINE)
    oversized('reveal.rollouts', `at most ${MOST_INLINE} bytes`);
  if (type === 'attest' && !equal(body.rollouts.cid.slice(4), body.rolloutDigest))
    malformed('attest.rolloutDigest', 'the digest inside rollouts');
  if (!verify(message.sig, signedDigest(message), message.from))
    throw new RefusedError('false-signature', 'sig', 'the signature of from');
  return { ...message, author: addressOf(message.from), id: sha2(encoded) };
}

/** The topic of a type in a network, at level 0. @param {string} run @param {string} type */
export function topicOf(run, type) {
  return `/starling/${VERSION}/${run}/${TYPES[type].topic}`;
}

/** The bytes of a whole envelope of any content, signed as it is; for what a peer must refuse. */
export function encodeAnything(identity, unsigned, tamper = (sig) => sig) {
  const whole = { v: VERSION, from: identity.publicKey, ...unsigned };
  return encode({ ...whole, sig: tamper(identity.sign(signedDigest(whole))) });
}
