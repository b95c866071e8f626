import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../protocol/philox.ts';
import {
  advantaged,
  type ForeignDraw,
  groupAdvantages,
  mixSamples,
  type ScoredSample,
  shuffleIntoMinibatches,
} from './grpo.ts';

const stream = RandomStream.named({
  seed: new Uint8Array(32),
  round: 1,
  device: '0x1',
  purpose: 'selection',
});

interface NamedSample extends ScoredSample {
  readonly name: string;
}

function samples(count: number, label: string): NamedSample[] {
  return Array.from({ length: count }, (_, index) => ({
    item: 0,
    name: `${label}${index}`,
    prompt: [1],
    tokens: [3],
    logprobs: [-1],
    reward: index % 2,
  }));
}

describe('groupAdvantages', () => {
  it('is (reward - mean) / deviation', () => {
    expect(groupAdvantages([1, 0, 0, 0])).toEqual(
      [Math.sqrt(3), ...new Array(3).fill(-1 / Math.sqrt(3))].map(Math.fround),
    );
    expect(groupAdvantages([1, 0])).toEqual([1, -1]);
  });

  it('has nothing to say of a group with one reward, or of none', () => {
    expect(groupAdvantages([1, 1, 1])).toBeUndefined();
    expect(groupAdvantages([0])).toBeUndefined();
    expect(groupAdvantages([])).toBeUndefined();
    expect(advantaged(samples(1, 'own'))).toEqual([]);
  });

  it('sums to nothing and favours the rewarded', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 1), { minLength: 2, maxLength: 16 }), (rewards) => {
        const advantages = groupAdvantages(rewards);
        if (advantages === undefined) return;
        expect(Math.abs(advantages.reduce((sum, advantage) => sum + advantage, 0))).toBeLessThan(1e-5);
        advantages.forEach((advantage, index) => {
          expect(advantage > 0).toBe(rewards[index] === 1);
        });
      }),
    );
  });
});

describe('advantaged', () => {
  const sample = (credits: readonly number[] | undefined, reward: number, length = 3): ScoredSample => ({
    item: 0,
    prompt: [1],
    tokens: new Array<number>(length).fill(3),
    logprobs: new Array<number>(length).fill(-1),
    reward,
    credits,
  });

  it('compares each place with the same place of the others', () => {
    const group = advantaged([sample([1, 1, 1], 1), sample([1, 0, 1], 0.3)]);
    expect(group.map(({ advantages }) => advantages)).toEqual([
      [0, 1, 0],
      [0, -1, 0],
    ]);
  });

  it('compares a place only with those that have it, and leaves out what learns nothing', () => {
    const group = advantaged([sample([1, 1, 1], 1), sample([1, 0], 0, 2), sample([1], 0, 1)]);
    expect(group.map(({ advantages }) => advantages)).toEqual([
      [0, 1, 0],
      [0, -1],
    ]);
  });

  it('falls back on the whole where one has no credits', () => {
    const group = advantaged([sample([1, 1, 1], 1), sample(undefined, 0)]);
    expect(group.map(({ advantages }) => advantages)).toEqual([
      [1, 1, 1],
      [-1, -1, -1],
    ]);
  });
});

describe('mixSamples', () => {
  it('takes I own and J foreign samples, each at most once', () => {
    fc.assert(
      fc.property(fc.nat(12), fc.nat(30), fc.nat(6), fc.nat(6), fc.nat(1000), (own, foreign, I, J, item) => {
        const group = mixSamples({
          own: samples(own, 'own'),
          foreign: [samples(foreign, 'foreign')],
          sizes: { own: I, foreign: J },
          draws: stream.sequence(item),
          foreignDraw: foreign % 2 === 0 ? 'authors' : 'samples',
        });
        const names = group.map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
        expect(names.length).toBe(Math.min(I + J, own + foreign));
        const ownCount = names.filter((name) => name.startsWith('own')).length;
        if (own >= I && foreign >= J) expect(ownCount).toBe(I);
        else if (foreign < J) expect(names.length - ownCount).toBe(foreign);
        else expect(ownCount).toBe(own);
      }),
    );
  });

  it('draws the same again, and other samples for another item', () => {
    const mix = (item: number) =>
      mixSamples({
        own: samples(8, 'own'),
        foreign: [samples(24, 'foreign')],
        sizes: { own: 4, foreign: 4 },
        draws: stream.sequence(item),
        foreignDraw: 'authors',
      });
    expect(mix(1)).toEqual(mix(1));
    expect(mix(1)).not.toEqual(mix(2));
  });

  it('favours no foreign sample', () => {
    const taken = new Map<string, number>();
    for (let item = 0; item < 2000; item++) {
      const group = mixSamples({
        own: samples(4, 'own'),
        foreign: [samples(4, 'foreign a'), samples(4, 'foreign b')],
        sizes: { own: 2, foreign: 2 },
        draws: stream.sequence(item),
        foreignDraw: 'authors',
      });
      for (const { name } of group) taken.set(name, (taken.get(name) ?? 0) + 1);
    }
    for (let index = 0; index < 8; index++) {
      // 2000 x 2 / 8 = 500 expected, standard deviation 19; the draws are fixed.
      const name = `foreign ${index < 4 ? 'a' : 'b'}${index % 4}`;
      expect(Math.abs((taken.get(name) ?? 0) - 500)).toBeLessThan(80);
    }
  });
});

describe('mixSamples by authors', () => {
  const counts = fc.array(fc.nat(40), { minLength: 1, maxLength: 9 });
  const authorsOf = (each: readonly number[]) => each.map((count, author) => samples(count, `${author}:`));

  it('gives no author more than its share of the places, rounded up, for any numbers of samples', () => {
    fc.assert(
      fc.property(counts, fc.nat(40), fc.nat(64), fc.nat(64), fc.nat(1000), (each, own, I, J, item) => {
        const group = mixSamples({
          own: samples(own, 'own'),
          foreign: authorsOf(each),
          sizes: { own: I, foreign: J },
          draws: stream.sequence(item),
          foreignDraw: 'authors',
        });
        const places = Math.max(J, I + J - own);
        const share = Math.ceil(places / each.length);
        each.forEach((count, author) => {
          const taken = group.filter(({ name }) => name.startsWith(`${author}:`)).length;
          expect(taken).toBeLessThanOrEqual(Math.min(count, share));
        });
        expect(group.length).toBeLessThanOrEqual(I + J);
      }),
    );
  });

  it('lets authors who publish 32 right answers each displace none of the two of others', () => {
    const foreign = authorsOf([2, 2, 2, 2, 32, 32, 32, 32]);
    const honestOf = (rule: ForeignDraw, item: number): number =>
      mixSamples({
        ...{ own: samples(2, 'own'), foreign, sizes: { own: 32, foreign: 32 } },
        ...{ draws: stream.sequence(item), foreignDraw: rule },
      }).filter(({ name }) => /^[0-3]:/.test(name)).length;
    const items = Array.from({ length: 20 }, (_, item) => item);
    expect(items.map((item) => honestOf('authors', item))).toEqual(items.map(() => 8));
    // Drawn evenly of all samples, about half of them are lost.
    expect(items.reduce((sum, item) => sum + honestOf('samples', item), 0)).toBeLessThan(20 * 6);
  });
});

describe('shuffleIntoMinibatches', () => {
  it('deals every member once, evenly', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.integer({ min: 1, max: 6 }), (members, count) => {
        const all = Array.from({ length: members }, (_, index) => index);
        const minibatches = shuffleIntoMinibatches(all, count, stream.sequence(members, count));
        expect(minibatches.flat().sort((a, b) => a - b)).toEqual(all);
        const sizes = minibatches.map((minibatch) => minibatch.length);
        if (members > 0) expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        expect(minibatches.length).toBe(Math.min(members, count));
      }),
    );
  });
});
