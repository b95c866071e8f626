import fc from 'fast-check';
import { CID } from 'multiformats/cid';
import { describe, expect, it } from 'vitest';
import { equalBytes } from '../../protocol/bytes.ts';
import { CodecError } from '../../protocol/codec.ts';
import { toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { cidOf, DAG_CBOR, decodeRollouts, digestInCid, encodeRollouts } from './rollouts.ts';
import { sampleRollouts } from './samples.ts';

const completion = fc.array(
  fc.record({
    token: fc.nat(0xffff_ffff),
    logprob: fc
      .float({ min: Math.fround(-1e4), max: 0, noNaN: true })
      .map((x) => (Math.abs(x) < 2 ** -125 ? 0 : x)),
  }),
  { maxLength: 6 },
);
const hexOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map(toHex);
const rollouts = fc.record({
  author: hexOf(20),
  modelRoot: hexOf(32),
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

describe('rollout sets', () => {
  it('[P-49] come back as they went, under a CID that carries their digest', () => {
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

  it('[P-49] are rejected with items out of order, empty groups, lost log-probabilities or floats that are not canonical', () => {
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

  it('[P-49] are rejected over 1 MiB, over 4,096 tokens, and with tokens that are no u32', () => {
    const group = (item: number, tokens: readonly number[], text: string) => ({
      item,
      completions: [{ text, tokens, logprobs: tokens.map(() => 0) }],
    });
    const encode = (...groups: typeof sampleRollouts.groups) => encodeRollouts({ ...sampleRollouts, groups });
    const large = Array.from({ length: 65 }, (_, item) => group(item, [], 'x'.repeat(16_384)));
    expect(() => encode(...large)).toThrow('rollouts: expected at most 1048576 bytes');
    expect(() => encode(...large.slice(0, 63))).not.toThrow();
    const bytes = new Uint8Array(1024 * 1024 + 1);
    expect(() => decodeRollouts(bytes)).toThrow('at most 1048576 bytes');
    expect(() => encode(group(0, new Array<number>(4097).fill(0), ''))).toThrow(CodecError);
    for (const token of [-1, 0.5, 2 ** 32]) expect(() => encode(group(0, [token], ''))).toThrow(CodecError);
  });

  it('[P-49] have a CID of their own for each author, however equal the texts', () => {
    const other = { ...sampleRollouts, author: `0x${'cd'.repeat(20)}` as const };
    expect(encodeRollouts(other).cid).not.toBe(encodeRollouts(sampleRollouts).cid);
    expect(decodeRollouts(encodeRollouts(other).bytes)).toEqual(other);
  });

  it('[P-49] have the CIDv1 of dag-cbor and sha2-256', () => {
    const { bytes, cid } = encodeRollouts(sampleRollouts);
    const { version, code, multihash } = CID.parse(cid);
    expect([version, code, multihash.code]).toEqual([1, 0x71, 0x12]);
    expect(multihash.digest).toEqual(sha256Of(bytes));
  });
});
