import { describe, expect, it } from 'vitest';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { charactersOf, FEED_CHARACTERS, LONGEST_TEXT } from './feed-bounds.ts';
import type { FeedRound } from './feed-round.ts';
import { reduceFeed } from './reduce-feed.ts';

const device = (n: number): DeviceAddress => `0x${n.toString(16).padStart(40, '0')}`;
const prompts = Array.from({ length: 32 }, (_, n) => ({ task: 'sums', prompt: `${n}+0`, answer: String(n) }));

/** Every author answers every item `samples` times with a text of so many characters. */
function answered(
  feed: readonly FeedRound[],
  options: { round: number; authors: number; samples: number; length: number },
): readonly FeedRound[] {
  const { round, authors, samples, length } = options;
  let next = reduceFeed(feed, { kind: 'prompts', round, prompts });
  for (let author = 0; author < authors; author++) {
    next = reduceFeed(next, {
      kind: 'answers',
      round,
      author: device(author),
      own: author === 0,
      set: {
        author: device(author),
        modelRoot: '0x',
        groups: prompts.map((_, item) => ({
          item,
          completions: Array.from({ length: samples }, () => ({
            text: 'x'.repeat(length),
            tokens: [],
            logprobs: [],
          })),
        })),
      },
    });
  }
  return next;
}

describe('the bounds of the feed', () => {
  it('keep answers of 1,000 tokens whole', () => {
    const [round] = answered([], { round: 1, authors: 1, samples: 1, length: 5_000 });
    expect(round?.items[0]?.answers[0]?.text).toHaveLength(5_000);
  });

  it('cut a single text that is too long', () => {
    const [round] = answered([], { round: 1, authors: 1, samples: 1, length: 100_000 });
    expect(round?.items[0]?.answers[0]?.text).toHaveLength(LONGEST_TEXT + 1);
  });

  it('let older rounds go first, then cut what others wrote, and keep the own texts', () => {
    let feed = answered([], { round: 1, authors: 2, samples: 2, length: 5_000 });
    feed = answered(feed, { round: 2, authors: 8, samples: 4, length: 5_000 });
    expect(feed.map(({ round }) => round)).toEqual([2]);
    expect(charactersOf(feed)).toBeLessThanOrEqual(FEED_CHARACTERS);
    const texts = feed[0]?.items[0]?.answers.map(({ text }) => text.length);
    expect(texts?.[0]).toBe(5_000);
    expect(texts?.at(-1)).toBe(241);
    expect(texts).toHaveLength(32);
  });

  it('hold for any flood of answers, critiques and corrections', () => {
    let feed = answered([], { round: 1, authors: 64, samples: 8, length: 9_000 });
    expect(charactersOf(feed)).toBeLessThanOrEqual(FEED_CHARACTERS);
    for (let critic = 0; critic < 40; critic++) {
      const judgements = prompts.map((_, item) => ({
        ...{ item, author: device(0), sample: 0, right: true },
        text: 'y'.repeat(9_000),
      }));
      feed = reduceFeed(feed, {
        kind: 'critiques',
        round: 1,
        critic: device(critic),
        own: false,
        judgements,
      });
    }
    expect(charactersOf(feed)).toBeLessThanOrEqual(FEED_CHARACTERS);
    expect(feed[0]?.items).toHaveLength(32);
  });
});
