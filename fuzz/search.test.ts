import { describe, expect, it } from 'vitest';
import type { Coverage } from './branches/counters.ts';
import { Draws } from './draws.ts';
import { bytesMutator } from './mutate/bytes.ts';
import { keyOf, type SearchOptions, search } from './search.ts';
import { ACCEPTED, bytesOf, type Outcome } from './target.ts';

/** A decoder that fails for one word, whose letters it compares one after the other. */
function withFault(word: string, reach: (depth: number) => void = () => {}) {
  return {
    seeds: [bytesOf('aaaaaaaa')],
    attempt(input: Uint8Array): Outcome {
      let depth = 0;
      while (depth < word.length && input[depth] === word.charCodeAt(depth)) depth++;
      reach(depth);
      if (depth === word.length) throw new RangeError('out of bounds');
      return depth % 2 === 0 ? ACCEPTED : { kind: 'refused', why: 'not this one' };
    },
  };
}

const settings: Omit<SearchOptions, 'target' | 'draws'> = {
  mutator: bytesMutator([...'starling']),
  maxBytes: 64,
  inputs: 30_000,
};

/** Counts how far a decoder came, as counters in its branches would. */
function depthCoverage(): Coverage & { readonly reach: (depth: number) => void } {
  const seen = new Set<number>();
  let isNew = false;
  return {
    reach(depth) {
      if (seen.has(depth)) return;
      seen.add(depth);
      isNew = true;
    },
    isNew() {
      const answer = isNew;
      isNew = false;
      return answer;
    },
    reached: () => seen.size,
  };
}

describe('search', () => {
  it('finds a fault behind many comparisons by what is reached, and not without it', async () => {
    const coverage = depthCoverage();
    const guided = withFault('starling', coverage.reach);
    const found = await search({ ...settings, target: guided, coverage, draws: new Draws('a') });
    expect(found.faults.map(({ sentence }) => sentence)).toEqual(['RangeError: out of bounds']);
    expect(new TextDecoder().decode(found.faults[0]?.input)).toBe('starling');
    const blind = await search({ ...settings, target: withFault('starling'), draws: new Draws('a') });
    expect(blind.faults).toEqual([]);
    expect(blind.inputs).toBe(settings.inputs);
  });

  it('tries the same inputs for the same draws', async () => {
    const tried = async (): Promise<string[]> => {
      const inputs: string[] = [];
      const onInput = (input: Uint8Array) => inputs.push(Buffer.from(input).toString('base64'));
      await search({ ...settings, inputs: 500, target: withFault('none'), draws: new Draws('b'), onInput });
      return inputs;
    };
    expect(await tried()).toEqual(await tried());
  });

  it('counts a rejected promise as a fault, cuts its input, and tells faults apart by their place', async () => {
    const target = {
      seeds: [bytesOf('x and much more')],
      attempt: async (input: Uint8Array): Promise<Outcome> => {
        if (input[0] === 120) throw new TypeError('first');
        if (input[0] === 121) throw new TypeError('second');
        return ACCEPTED;
      },
    };
    const { faults } = await search({ ...settings, inputs: 5000, target, draws: new Draws('c') });
    expect(faults.map(({ sentence }) => sentence).sort()).toEqual(['TypeError: first', 'TypeError: second']);
    expect(faults.map(({ input }) => input.length)).toEqual([1, 1]);
  });

  it('names what is thrown that is no error', () => {
    expect(keyOf('text')).toBe('threw string');
  });
});
