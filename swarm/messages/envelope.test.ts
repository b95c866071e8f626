import * as dagCbor from '@ipld/dag-cbor';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equalBytes } from '../../protocol/bytes.ts';
import { CodecError } from '../../protocol/codec.ts';
import { deviceKey } from '../../protocol/device-key.ts';
import { fromHex, toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { commitmentOf } from './commitment.ts';
import {
  decodeMessage,
  encodeMessage,
  hasValidSignature,
  type Message,
  type UnsignedMessage,
} from './envelope.ts';
import { LIMITS } from './limits.ts';
import { encodeRollouts } from './rollouts.ts';
import { SAMPLE_NETWORK_ID, sampleKey, sampleMessages, sampleRollouts } from './samples.ts';

const encoded = sampleMessages.map((message) => encodeMessage(sampleKey, SAMPLE_NETWORK_ID, message));

/** The decoded message, or the CodecError. Throws any other error. */
function attempt(bytes: Uint8Array): Message | CodecError {
  try {
    return decodeMessage(bytes);
  } catch (error) {
    if (error instanceof CodecError) return error;
    throw error;
  }
}

/** Any value of the DAG-CBOR data model. */
const anything = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string(),
    fc.uint8Array(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
  ),
})).value;

describe('decodeMessage', () => {
  it('[P-52] rejects arbitrary bytes with CodecError alone', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(attempt(bytes)).toBeInstanceOf(CodecError);
      }),
    );
  });

  it('takes arbitrary DAG-CBOR in the place of any field', () => {
    const fields = ['v', 'run', 'type', 'round', 'seq', 'from', 'body', 'sig'] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...encoded),
        fc.constantFrom(...fields),
        anything,
        (bytes, field, value) => {
          const envelope = dagCbor.decode<Record<string, unknown>>(bytes);
          const result = attempt(dagCbor.encode({ ...envelope, [field]: value }));
          if (!(result instanceof CodecError))
            expect(hasValidSignature(result)).toBe(equalValue(envelope[field], value));
        },
      ),
    );
  });

  it('takes arbitrary DAG-CBOR in the place of any part of a body', () => {
    fc.assert(
      fc.property(fc.constantFrom(...encoded), fc.nat(), anything, (bytes, which, value) => {
        const envelope = dagCbor.decode<{ body: Record<string, unknown> }>(bytes);
        const keys = Object.keys(envelope.body);
        const key = keys[which % keys.length] ?? '';
        const result = attempt(dagCbor.encode({ ...envelope, body: { ...envelope.body, [key]: value } }));
        if (!(result instanceof CodecError)) {
          expect(hasValidSignature(result)).toBe(equalValue(envelope.body[key], value));
        }
      }),
    );
  });

  it('[P-33] finds no valid signature on a message with a flipped bit', () => {
    fc.assert(
      fc.property(fc.constantFrom(...encoded), fc.nat(), (bytes, position) => {
        // A copy: slice() of a Buffer, which the encoder gives in Node, is a view.
        const changed = Uint8Array.from(bytes);
        const bit = position % (8 * bytes.length);
        const at = bit >> 3;
        changed[at] = (changed[at] ?? 0) ^ (1 << (bit & 7));
        const result = attempt(changed);
        if (!(result instanceof CodecError)) expect(hasValidSignature(result)).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it('[P-52] rejects deep nesting as malformed', () => {
    const deep = new Uint8Array(LIMITS.message).fill(0x81);
    expect(attempt(deep)).toMatchObject({ kind: 'malformed' });
  });

  it('[P-31] [P-51] rejects a message over 64 KiB as oversized before it decodes anything', () => {
    expect(attempt(new Uint8Array(LIMITS.message + 1))).toMatchObject({ kind: 'oversized' });
  });

  it('[P-36] [P-51] rejects counts and lengths over their limits as oversized', () => {
    const hello = sampleMessages[0];
    if (hello?.type !== 'hello') throw new Error('The first sample is a hello.');
    const tooLong = { ...hello, body: { ...hello.body, engine: 'x'.repeat(LIMITS.engine + 1) } };
    expect(() => encodeMessage(sampleKey, SAMPLE_NETWORK_ID, tooLong)).toThrow(
      /engine: expected at most 96 bytes/,
    );
    const tooMany = {
      ...hello,
      body: { ...hello.body, addresses: Array.from({ length: 9 }, () => '/ip4/1.2.3.4') },
    };
    expect(() => encodeMessage(sampleKey, SAMPLE_NETWORK_ID, tooMany)).toThrow(
      /addresses: expected at most 8 entries/,
    );
  });

  it('[P-30] rejects another version, a missing key and a further key', () => {
    const [bytes = new Uint8Array()] = encoded;
    const envelope = dagCbor.decode<Record<string, unknown>>(bytes);
    expect(Object.keys(envelope).toSorted()).toEqual(
      ['v', 'run', 'type', 'round', 'seq', 'from', 'body', 'sig'].toSorted(),
    );
    expect(envelope.v).toBe(2);
    const { seq: _, ...without } = envelope;
    for (const changed of [{ ...envelope, v: 3 }, { ...envelope, more: 1 }, without]) {
      expect(attempt(dagCbor.encode(changed))).toMatchObject({ kind: 'malformed' });
    }
    expect(attempt(dagCbor.encode({ v: 1, other: true }))).toMatchObject({
      message: 'v: expected version 2 of the protocol, not version 1.',
    });
  });

  it('[P-33] takes the signature over the domain line and the map without it, with low s', () => {
    for (const bytes of encoded) {
      const { sig, ...unsigned } = dagCbor.decode<Record<string, unknown>>(bytes);
      const digest = sha256Of(new TextEncoder().encode('starling/message/2\n'), dagCbor.encode(unsigned));
      expect(sig).toEqual(sampleKey.sign(digest));
      if (!(sig instanceof Uint8Array)) throw new Error('A signature is bytes.');
      // The same signature with the other s verifies for ECDSA, but would give one message two ids.
      const { Fn } = secp256k1.Point;
      const high = new Uint8Array([
        ...sig.subarray(0, 32),
        ...Fn.toBytes(Fn.neg(Fn.fromBytes(sig.subarray(32)))),
      ]);
      expect(secp256k1.verify(high, digest, sampleKey.publicKey, { prehash: false, lowS: false })).toBe(true);
      expect(hasValidSignature(decodeMessage(dagCbor.encode({ ...unsigned, sig: high })))).toBe(false);
    }
  });

  it('[P-35] rejects text that is not well formed', () => {
    const [hello] = sampleMessages;
    if (hello?.type !== 'hello') throw new Error('The first sample is a hello.');
    const lone = { ...hello, body: { ...hello.body, engine: '\ud800' } };
    expect(() => encodeMessage(sampleKey, SAMPLE_NETWORK_ID, lone)).toThrow(
      /engine: expected well-formed text/,
    );
    // The engine's first byte becomes one that begins no UTF-8 character.
    const bytes = encodeMessage(sampleKey, SAMPLE_NETWORK_ID, hello);
    const at = Buffer.from(bytes).indexOf('wasm SIMD');
    const changed = Uint8Array.from(bytes);
    changed[at] = 0xff;
    expect(attempt(changed)).toMatchObject({ kind: 'malformed' });
  });

  it('[P-36] rejects a body with a key missing or a further one', () => {
    for (const bytes of encoded) {
      const envelope = dagCbor.decode<{ body: Record<string, unknown> }>(bytes);
      const [first = ''] = Object.keys(envelope.body);
      const { [first]: _, ...without } = envelope.body;
      for (const body of [without, { ...envelope.body, more: null }]) {
        expect(attempt(dagCbor.encode({ ...envelope, body }))).toMatchObject({ kind: 'malformed' });
      }
    }
  });

  it('[P-40] writes fractions as whole millionths', () => {
    const attest = sampleMessages.find(({ type }) => type === 'attest');
    if (attest?.type !== 'attest') throw new Error('There is an attest sample.');
    for (const [value, wire] of [
      [0, 0],
      [0.5312501, 531_250],
      [1, 1_000_000],
    ] as const) {
      const message = { ...attest, body: { ...attest.body, meanReward: value } };
      const bytes = encodeMessage(sampleKey, SAMPLE_NETWORK_ID, message);
      expect(dagCbor.decode<{ body: { meanReward: number } }>(bytes).body.meanReward).toBe(wire);
      expect(decodeMessage(bytes).body).toMatchObject({ meanReward: wire / 1e6 });
    }
    const over = { ...attest, body: { ...attest.body, meanReward: 1.1 } };
    expect(() => encodeMessage(sampleKey, SAMPLE_NETWORK_ID, over)).toThrow(CodecError);
  });

  it('[P-42] commits to the sha2-256 of domain line, salt, address and CID', () => {
    const salt = `0x${'5a'.repeat(32)}` as const;
    const { bytes, cid } = encodeRollouts(sampleRollouts);
    const cidBytes = Uint8Array.of(0x01, 0x71, 0x12, 0x20, ...sha256Of(bytes));
    const line = new TextEncoder().encode('starling/commit/1\n');
    const digest = sha256Of(line, fromHex(salt), fromHex(sampleKey.address), cidBytes);
    expect(commitmentOf(salt, sampleKey.address, cid)).toBe(toHex(digest));
  });

  it('[P-33] does not take another key’s signature', () => {
    const draft: UnsignedMessage = {
      type: 'commit',
      round: 1,
      seq: 1,
      body: { digest: `0x${'00'.repeat(32)}` },
    };
    const mine = dagCbor.decode<Record<string, unknown>>(encodeMessage(sampleKey, 'r', draft));
    const other = dagCbor.decode<Record<string, unknown>>(
      encodeMessage(deviceKey(new Uint8Array(32).fill(8)), 'r', draft),
    );
    expect(hasValidSignature(decodeMessage(dagCbor.encode({ ...mine, sig: other.sig })))).toBe(false);
    expect(hasValidSignature(decodeMessage(dagCbor.encode(mine)))).toBe(true);
  });
});

function equalValue(a: unknown, b: unknown): boolean {
  return equalBytes(dagCbor.encode(a), dagCbor.encode(b));
}
