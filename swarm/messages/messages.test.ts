import * as dagCbor from '@ipld/dag-cbor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equalBytes } from '../../protocol/bytes.ts';
import { deviceKey } from '../../protocol/device-key.ts';
import { CodecError } from './codec.ts';
import {
  decodeMessage,
  encodeMessage,
  hasValidSignature,
  type Message,
  type UnsignedMessage,
} from './envelope.ts';
import { LIMITS } from './limits.ts';
import { cidOf, DAG_CBOR, decodeRollouts, digestInCid, encodeRollouts } from './rollouts.ts';
import { SAMPLE_NETWORK_ID, sampleKey, sampleMessages, sampleRollouts } from './samples.ts';

const sealed = sampleMessages.map((draft) => encodeMessage(sampleKey, SAMPLE_NETWORK_ID, draft));

/** Opens, or says why not; throws when the failure is no CodecError. */
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

describe('open', { timeout: 60_000 }, () => {
  it('takes arbitrary bytes without other errors than CodecError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(attempt(bytes)).toBeInstanceOf(CodecError);
      }),
    );
  });

  it('takes arbitrary DAG-CBOR in the place of any field', () => {
    const fields = ['v', 'run', 'type', 'round', 'seq', 'from', 'body', 'sig'] as const;
    fc.assert(
      fc.property(fc.constantFrom(...sealed), fc.constantFrom(...fields), anything, (bytes, field, value) => {
        const envelope = dagCbor.decode<Record<string, unknown>>(bytes);
        const result = attempt(dagCbor.encode({ ...envelope, [field]: value }));
        if (!(result instanceof CodecError))
          expect(hasValidSignature(result)).toBe(equalValue(envelope[field], value));
      }),
    );
  });

  it('takes arbitrary DAG-CBOR in the place of any part of a body', () => {
    fc.assert(
      fc.property(fc.constantFrom(...sealed), fc.nat(), anything, (bytes, which, value) => {
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

  it('never opens a message with a flipped bit as signed by its author', () => {
    fc.assert(
      fc.property(fc.constantFrom(...sealed), fc.nat(), (bytes, position) => {
        const changed = bytes.slice();
        const bit = position % (8 * bytes.length);
        const at = bit >> 3;
        changed[at] = (changed[at] ?? 0) ^ (1 << (bit & 7));
        const result = attempt(changed);
        if (!(result instanceof CodecError)) expect(hasValidSignature(result)).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it('takes deep nesting as malformed', () => {
    const deep = new Uint8Array(LIMITS.message).fill(0x81);
    expect(attempt(deep)).toMatchObject({ kind: 'malformed' });
  });

  it('calls a message over 64 KiB oversized before it decodes anything', () => {
    expect(attempt(new Uint8Array(LIMITS.message + 1))).toMatchObject({ kind: 'oversized' });
  });

  it('calls counts and lengths over their limits oversized', () => {
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

  it('does not take another key’s signature', () => {
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

const completion = fc.array(
  fc.record({
    token: fc.nat(0xffff_ffff),
    logprob: fc
      .float({ min: Math.fround(-1e4), max: 0, noNaN: true })
      .map((x) => (Math.abs(x) < 2 ** -125 ? 0 : x)),
  }),
  { maxLength: 6 },
);
const rollouts = fc.record({
  modelRoot: fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((bytes) => `0x${Buffer.from(bytes).toString('hex')}` as const),
  groups: fc
    .uniqueArray(fc.nat(1000), { maxLength: 5 })
    .map((items) => items.toSorted((a, b) => a - b))
    .chain((items) =>
      fc.tuple(
        ...items.map((item) =>
          fc.record({
            item: fc.constant(item),
            completions: fc.array(
              fc.tuple(fc.string({ unit: 'grapheme' }), completion).map(([text, pairs]) => ({
                text,
                tokens: pairs.map(({ token }) => token),
                logprobs: pairs.map(({ logprob }) => logprob),
              })),
              { minLength: 1, maxLength: 3 },
            ),
          }),
        ),
      ),
    ),
});

describe('rollout sets', { timeout: 60_000 }, () => {
  it('come back as they went, under a CID that carries their digest', () => {
    fc.assert(
      fc.property(rollouts, (set) => {
        const { bytes, cid } = encodeRollouts(set);
        const back = decodeRollouts(bytes);
        expect(back).toEqual(set);
        expect(equalBytes(encodeRollouts(back).bytes, bytes)).toBe(true);
        expect(cidOf(bytes, DAG_CBOR)).toBe(cid);
        expect(digestInCid(cid)).toMatch(/^0x[0-9a-f]{64}$/);
      }),
    );
  });

  it('are refused with items out of order, empty groups, lost log-probabilities or floats that are not canonical', () => {
    const [first, second] = sampleRollouts.groups;
    if (first === undefined || second === undefined) throw new Error('The sample has two groups.');
    const broken = (groups: typeof sampleRollouts.groups) => () =>
      encodeRollouts({ ...sampleRollouts, groups });
    expect(broken([second, first])).toThrow('items in ascending order');
    expect(broken([{ item: 0, completions: [] }])).toThrow('a completion per group');
    const withLogprobs = (...logprobs: readonly number[]) =>
      broken([{ item: 0, completions: [{ text: '', tokens: [1], logprobs }] }]);
    expect(withLogprobs()).toThrow('as many log-probabilities as tokens');
    for (const value of [Number.NaN, Number.NEGATIVE_INFINITY, -0, 2 ** -126, 0.1]) {
      expect(withLogprobs(value)).toThrow(CodecError);
    }
  });
});

function equalValue(a: unknown, b: unknown): boolean {
  return equalBytes(dagCbor.encode(a), dagCbor.encode(b));
}
