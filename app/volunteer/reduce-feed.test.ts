import { expect, it } from 'vitest';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { answersToShow, itemsToShow, reduceFeed } from './reduce-feed.ts';

const OTHER: DeviceAddress = `0x${'b'.repeat(40)}`;
const THIRD: DeviceAddress = `0x${'c'.repeat(40)}`;
const OWN: DeviceAddress = `0x${'a'.repeat(40)}`;

const prompts = [1, 2, 3, 4, 5].map((n) => ({ task: 'sums', prompt: `${n}+0`, answer: String(n) }));

/** What a device answers to each of the items, `samples` times. */
const answers = (author: DeviceAddress, own: boolean, items: readonly number[], samples = 1) => ({
  ...{ kind: 'answers' as const, round: 7, author, own, cid: '' },
  set: {
    author,
    modelRoot: '0x' as const,
    groups: items.map((item) => ({
      item,
      completions: Array.from({ length: samples }, () => ({ text: '1', tokens: [1], logprobs: [0] })),
    })),
  },
});

it('shows first what this device answered, then what others did, then what nobody drew', () => {
  let feed = reduceFeed([], { kind: 'prompts', round: 7, prompts });
  feed = reduceFeed(feed, answers(OTHER, false, [1, 3]));
  feed = reduceFeed(feed, answers(OWN, true, [3, 4]));
  const [round] = feed;
  if (round === undefined) throw new Error('The feed lost its round.');
  expect(itemsToShow(round).map(({ prompt }) => prompt)).toEqual(['4+0', '5+0', '2+0', '1+0', '3+0']);
  expect(round.items.map(({ prompt }) => prompt)).toEqual(prompts.map(({ prompt }) => prompt));
});

it('shows what several devices answered before what one did alone', () => {
  let feed = reduceFeed([], { kind: 'prompts', round: 7, prompts });
  feed = reduceFeed(feed, answers(OWN, true, [0, 1, 2, 3]));
  feed = reduceFeed(feed, answers(OTHER, false, [2, 4]));
  feed = reduceFeed(feed, answers(THIRD, false, [3, 2]));
  const order = feed.flatMap(itemsToShow).map(({ prompt }) => prompt);
  expect(order).toEqual(['3+0', '4+0', '1+0', '2+0', '5+0']);
});

it('shows an answer of each device before a second one of any, however much that was judged', () => {
  let feed = reduceFeed([], { kind: 'prompts', round: 7, prompts });
  feed = reduceFeed(feed, answers(OWN, true, [0], 4));
  feed = reduceFeed(feed, answers(OTHER, false, [0], 4));
  feed = reduceFeed(feed, answers(THIRD, false, [0], 4));
  // Both others judge all four answers of this device, and vote for another device's second one.
  for (const critic of [OTHER, THIRD]) {
    const judgements = [0, 1, 2, 3].map((sample) => ({
      ...{ item: 0, author: OWN, sample, text: 'It is so.', right: true },
    }));
    feed = reduceFeed(feed, { kind: 'critiques', round: 7, critic, own: false, judgements });
  }
  const ballots = [{ item: 0, author: OTHER, sample: 1 }];
  feed = reduceFeed(feed, {
    ...{ kind: 'votes', round: 7, voter: THIRD, own: false, ballots, corrections: [] },
  });
  const shown = feed
    .flatMap(({ items }) => items.slice(0, 1))
    .flatMap((item) => answersToShow(item, 4))
    .map(({ author, sample }) => `${author.slice(0, 3)} ${sample}`);
  expect(shown).toEqual(['0xa 0', '0xb 1', '0xc 0', '0xa 1']);
  const [nothing] = reduceFeed([], { kind: 'prompts', round: 8, prompts }).flatMap(({ items }) => items);
  expect(nothing && answersToShow(nothing, 4)).toEqual([]);
});
