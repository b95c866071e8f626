import * as dagCbor from '@ipld/dag-cbor';
import { describe, expect, it } from 'vitest';
import { Draws } from '../draws.ts';
import { bytesOf } from '../target.ts';
import { bytesMutator } from './bytes.ts';
import { cborMutator } from './cbor.ts';
import { jsonMutator, written } from './json.ts';
import type { Mutator } from './mutator.ts';

const VALUE = { a: [1, 2, { b: 'text' }], c: true, d: null, e: -5 };

/** The first thousand inputs that a mutator makes of one. */
function made(mutator: Mutator, input: Uint8Array): readonly Uint8Array[] {
  const draws = new Draws('made');
  const before = input.slice();
  const inputs = Array.from({ length: 1000 }, () =>
    mutator.mutate({ input, donor: input, maxBytes: 200, draws }),
  );
  expect(input).toEqual(before);
  return inputs;
}

function taken(decode: () => unknown): boolean {
  try {
    decode();
    return true;
  } catch {
    return false;
  }
}

describe('mutators', () => {
  it.each([
    ['bytes', bytesMutator(['word']), bytesOf('some bytes')],
    ['cbor', cborMutator(), dagCbor.encode(VALUE)],
    ['json', jsonMutator(), bytesOf(JSON.stringify(VALUE))],
  ] as const)(
    '%s: make many different inputs within the limit and leave the given one alone',
    (_, mutator, input) => {
      const inputs = made(mutator, input);
      expect(Math.max(...inputs.map(({ length }) => length))).toBeLessThanOrEqual(200);
      expect(new Set(inputs.map((each) => Buffer.from(each).toString('hex'))).size).toBeGreaterThan(600);
    },
  );

  it('cbor: most inputs are DAG-CBOR, and some are CBOR that is not canonical', () => {
    const inputs = made(cborMutator(), dagCbor.encode(VALUE));
    const decoded = inputs.filter((input) => taken(() => dagCbor.decode(input)));
    expect(decoded.length).toBeGreaterThan(300);
    expect(decoded.length).toBeLessThan(950);
  });

  it('json: most inputs are JSON', () => {
    const inputs = made(jsonMutator(), bytesOf(JSON.stringify(VALUE)));
    const parsed = inputs.filter((input) => taken(() => JSON.parse(new TextDecoder().decode(input))));
    expect(parsed.length).toBeGreaterThan(500);
  });

  it('json: another way to write a value is the same value', () => {
    const draws = new Draws('ways');
    for (let i = 0; i < 200; i++) expect(JSON.parse(written(VALUE, draws))).toEqual(VALUE);
    expect(new Set(Array.from({ length: 200 }, () => written(VALUE, draws))).size).toBeGreaterThan(50);
  });
});
