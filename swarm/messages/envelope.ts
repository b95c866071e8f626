import * as dagCbor from '@ipld/dag-cbor';
import { equalBytes } from '../../protocol/bytes.ts';
import { addressOf, type DeviceKey, verifyDigest } from '../../protocol/device-key.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { type Body, bodies, type MessageType } from './bodies.ts';
import { blob, type Codec, CodecError, oneOf, record, text, uint } from './codec.ts';
import { LIMITS } from './limits.ts';

export const VERSION = 1;
const DOMAIN = new TextEncoder().encode('starling/message/1\n');

/** What a device says, before it is signed. */
export type Draft = { [T in MessageType]: { readonly type: T; readonly body: Body<T> } }[MessageType] & {
  readonly round: number;
  /** Grows with every message of the device; its clock in milliseconds, or the last one plus one. */
  readonly seq: number;
};

/** A decoded message. Whether its signature holds is checked apart, because that is the costly part. */
export type Message<T extends MessageType = MessageType> = {
  [K in T]: {
    readonly type: K;
    readonly run: string;
    readonly round: number;
    readonly seq: number;
    /** 33-byte compressed public key. */
    readonly from: Uint8Array;
    /** EVM address of `from`. */
    readonly author: DeviceAddress;
    readonly body: Body<K>;
    readonly signature: Uint8Array;
    /** sha2-256 of the whole message. */
    readonly id: string;
  };
}[T];

const envelope = record({
  v: uint(0xff),
  run: text(LIMITS.run),
  type: oneOf('hello', 'commit', 'reveal', 'critique', 'vote', 'attest', 'ack'),
  round: uint(LIMITS.round),
  seq: uint(LIMITS.sequence),
  from: blob(33),
  body: {
    encode: (value: unknown) => value,
    decode: (value: unknown) => value,
  } satisfies Codec<unknown>,
  sig: blob(64),
});

function bodyCodec(type: MessageType): Codec<unknown> {
  return bodies[type] as unknown as Codec<unknown>;
}

/** The 32 bytes that are signed: sha2-256 over the domain line and the canonical envelope without `sig`. */
function signedDigest(unsigned: {
  readonly run: string;
  readonly type: MessageType;
  readonly round: number;
  readonly seq: number;
  readonly from: Uint8Array;
  readonly body: unknown;
}): Uint8Array {
  const { run, type, round, seq, from, body } = unsigned;
  return sha256Of(DOMAIN, dagCbor.encode({ v: VERSION, run, type, round, seq, from, body }));
}

/** Signs a draft: the bytes that travel. Throws CodecError when the draft breaks a limit. */
export function seal(key: DeviceKey, run: string, draft: Draft): Uint8Array {
  const body = bodyCodec(draft.type).encode(draft.body, draft.type);
  const unsigned = { run, type: draft.type, round: draft.round, seq: draft.seq, from: key.publicKey, body };
  const sig = key.sign(signedDigest(unsigned));
  const bytes = dagCbor.encode(envelope.encode({ v: VERSION, ...unsigned, sig }, ''));
  if (bytes.length > LIMITS.message)
    throw new CodecError('oversized', draft.type, `at most ${LIMITS.message} bytes`);
  return bytes;
}

/** Decodes strictly: exact keys, limits, canonical bytes. Does not verify the signature. Throws only CodecError. */
export function open(bytes: Uint8Array): Message {
  if (bytes.length > LIMITS.message) throw new CodecError('oversized', '', `at most ${LIMITS.message} bytes`);
  try {
    const outer = envelope.decode(dagCbor.decode(bytes), '');
    if (outer.v !== VERSION) throw new CodecError('malformed', 'v', `version ${VERSION}`);
    const codec = bodyCodec(outer.type);
    const body = codec.decode(outer.body, outer.type);
    const again = dagCbor.encode({ ...outer, body: codec.encode(body, outer.type) });
    if (!equalBytes(again, bytes)) throw new CodecError('malformed', '', 'the canonical encoding');
    const { type, run, round, seq, from, sig } = outer;
    const author = addressOf(from);
    const message = { type, run, round, seq, from, author, body, signature: sig, id: toHex(sha256Of(bytes)) };
    return message as Message;
  } catch (error) {
    if (error instanceof CodecError) throw error;
    throw new CodecError('malformed', '', 'a Starling message');
  }
}

/** Whether the message's signature is its author's own. About 2 ms in a tab; call it once a message. */
export function hasOwnSignature(message: Message): boolean {
  const body = bodyCodec(message.type).encode(message.body, message.type);
  return verifyDigest(message.signature, signedDigest({ ...message, body }), message.from);
}
