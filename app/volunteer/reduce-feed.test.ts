import { expect, it } from 'vitest';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { itemsToShow, reduceFeed } from './reduce-feed.ts';

const OTHER: DeviceAddress = `0x${'b'.repeat(40)}`;
const OWN: DeviceAddress = `0x${'a'.repeat(40)}`;

it('shows first what this device answered, then what others did, then what nobody drew', () => {
  const prompts = [1, 2, 3, 4, 5].map((n) => ({ task: 'sums', prompt: `${n}+0`, answer: String(n) }));
  const answers = (author: DeviceAddress, own: boolean, items: readonly number[]) => ({
    ...{ kind: 'answers' as const, round: 7, author, own, cid: '' },
    set: {
      author,
      modelRoot: '0x' as const,
      groups: items.map((item) => ({ item, completions: [{ text: '1', tokens: [1], logprobs: [0] }] })),
    },
  });
  let feed = reduceFeed([], { kind: 'prompts', round: 7, prompts });
  feed = reduceFeed(feed, answers(OTHER, false, [1, 3]));
  feed = reduceFeed(feed, answers(OWN, true, [3, 4]));
  const [round] = feed;
  if (round === undefined) throw new Error('The feed lost its round.');
  expect(itemsToShow(round).map(({ prompt }) => prompt)).toEqual(['4+0', '5+0', '2+0', '1+0', '3+0']);
  expect(round.items.map(({ prompt }) => prompt)).toEqual(prompts.map(({ prompt }) => prompt));
});
