import * as dagCbor from '@ipld/dag-cbor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../protocol/codec.ts';
import { deviceKey } from '../../protocol/device-key.ts';
import {
  decodeMessage,
  encodeMessage,
  hasValidSignature,
  isSignatureValid,
  type Message,
} from './envelope.ts';
import { LIMITS } from './limits.ts';
import { type MessageHeader, peekMessage } from './peek.ts';
import { SAMPLE_NETWORK_ID, sampleKey, sampleMessages } from './samples.ts';

const encoded = sampleMessages.map((message) => encodeMessage(sampleKey, SAMPLE_NETWORK_ID, message));

/** What a function returns, or the CodecError that it throws. Throws any other error. */
function attempt<T>(run: () => T): T | CodecError {
  try {
    return run();
  } catch (error) {
    if (error instanceof CodecError) return error;
    throw error;
  }
}

/**
 * Expects the peek to agree with the decoder wherever this one takes the bytes. Returns the decoder's result.
 */
function expectAgreement(bytes: Uint8Array): Message | CodecError {
  const header = attempt(() => peekMessage(bytes));
  const message = attempt(() => decodeMessage(bytes));
  if (!(message instanceof CodecError)) {
    if (header instanceof CodecError)
      throw new Error(`The peek refuses what the decoder takes: ${header.message}`);
    expectHeaderOf(header, message);
  }
  return message;
}

function expectHeaderOf(header: MessageHeader, message: Message): void {
  const { networkId, type, round, seq, from, signature } = message;
  expect({ ...header, key: '', signed: [] }).toEqual({
    networkId,
    type,
    round,
    seq,
    from,
    signature,
    key: '',
    signed: [],
  });
  expect(isSignatureValid(header)).toBe(hasValidSignature(message));
}

/** Numbers on either side of each width of a CBOR integer. */
const edges = fc.constantFrom(0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 40);

describe('peekMessage', () => {
  it('[P-117] agrees with the decoder on every message, whatever its round, number, key and network', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...sampleMessages),
        edges,
        fc.oneof(edges, fc.maxSafeInteger().map(Math.abs)),
        fc.integer({ min: 1, max: 250 }),
        fc.string({ maxLength: 24, unit: 'binary' }).filter((text) => text.isWellFormed()),
        (sample, round, seq, byte, network) => {
          const key = deviceKey(new Uint8Array(32).fill(byte));
          expect(expectAgreement(encodeMessage(key, network, { ...sample, round, seq }))).toMatchObject({
            round,
            seq,
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it('[P-117] throws nothing but CodecError on junk, and takes nothing that the decoder takes otherwise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void expectAgreement(bytes)),
      {
        numRuns: 2000,
      },
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...encoded),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 3 }),
        fc.nat({ max: 20 }),
        (bytes, changes, cut) => {
          const changed = Uint8Array.from(bytes).subarray(0, bytes.length - (cut > 15 ? cut - 15 : 0));
          for (const [at, byte] of changes) changed[at % changed.length] = byte;
          expectAgreement(changed);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('[P-117] agrees with the decoder for any value in the place of a field', () => {
    const value = fc.oneof(
      fc.constant(null),
      fc.maxSafeInteger(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.string(),
      fc.uint8Array({ maxLength: 70 }),
      fc.dictionary(fc.string(), fc.maxSafeInteger(), { maxKeys: 3 }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...encoded),
        fc.constantFrom('v', 'run', 'type', 'round', 'seq', 'from', 'body', 'sig', 'more'),
        value,
        (bytes, field, other) => {
          const envelope = dagCbor.decode<Record<string, unknown>>(bytes);
          expectAgreement(dagCbor.encode({ ...envelope, [field]: other }));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('[P-117] does not look at the body', () => {
    const [bytes = new Uint8Array()] = encoded;
    const at = Buffer.from(bytes).indexOf('wasm SIMD');
    const changed = Uint8Array.from(bytes).fill(0xff, at, at + 20);
    expect(attempt(() => decodeMessage(changed))).toBeInstanceOf(CodecError);
    expect(peekMessage(changed).type).toBe('hello');
  });

  it('[P-31] [P-36] refuses what is over a limit as oversized', () => {
    const [sample] = sampleMessages;
    if (sample === undefined) throw new Error('There is a sample.');
    const envelope = dagCbor.decode<Record<string, unknown>>(encodeMessage(sampleKey, 'n', sample));
    for (const over of [{ run: 'x'.repeat(97) }, { run: 'x'.repeat(300) }, { round: LIMITS.round + 1 }])
      expect(attempt(() => peekMessage(dagCbor.encode({ ...envelope, ...over })))).toMatchObject({
        kind: 'oversized',
      });
    expect(attempt(() => peekMessage(new Uint8Array(LIMITS.message + 1)))).toMatchObject({
      kind: 'oversized',
    });
  });
});
