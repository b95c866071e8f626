/** The short form of `npm run fuzz`: every target with some thousand inputs, the same ones each time. */
import { describe, expect, it } from 'vitest';
import { lineOf, readCorpus } from './corpus.ts';
import { Draws } from './draws.ts';
import { allTargets } from './registry.ts';
import { search } from './search.ts';

const targets = await allTargets();

describe('every target', () => {
  it('has a name of its own and seeds', async () => {
    expect(new Set(targets.map(({ name }) => name)).size).toBe(targets.length);
  });

  it.each(targets)('$name: $about', async (target) => {
    const open = await target.open();
    const corpus = readCorpus(target.name).map(({ input }) => input);
    try {
      expect(
        (await Promise.all(open.seeds.map((seed) => open.attempt(seed)))).some(
          ({ kind }) => kind === 'accepted',
        ),
      ).toBe(true);
      const { faults, inputs } = await search({
        ...{ target: open, mutator: target.mutator, maxBytes: target.maxBytes, corpus },
        inputs: corpus.length + target.shortInputs,
        draws: new Draws(`short ${target.name}`),
      });
      expect(
        faults.map(({ sentence, input, key }) => [key, sentence, lineOf({ input, fault: undefined })]),
      ).toEqual([]);
      expect(inputs).toBe(corpus.length + target.shortInputs);
    } finally {
      await open.close?.();
    }
  });
});
