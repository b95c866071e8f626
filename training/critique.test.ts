import { expect, test } from 'vitest';
import { characterTokenizerJson } from '../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../models/tokenizer/tokenizer.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import { must } from '../protocol/must.ts';
import type { PeerJudgements, PeerRollouts, RoundContext } from '../protocol/trainer.ts';
import { completionTokenizer } from './completion-tokenizer.ts';
import { approves, castBallots } from './critique.ts';
import { openRound } from './open-round.ts';
import { shortFormat } from './short-format.ts';
import { NARROW_SETTINGS, NARROW_TASKS } from './testing/narrow-model.ts';

const format = shortFormat(completionTokenizer(new Tokenizer(characterTokenizerJson())));
const address = (digit: string) => `0x${digit.repeat(40)}` as DeviceAddress;
const [ANNA, BEN, CLEO, DORA] = ['a', 'b', 'c', 'd'].map(address) as [
  DeviceAddress,
  DeviceAddress,
  DeviceAddress,
  DeviceAddress,
];
const context: RoundContext = { round: 5, seed: `0x${'12'.repeat(32)}`, device: ANNA };
const settings = { ...NARROW_SETTINGS, itemsPerRound: 4, itemsAnswered: 4 };
const opened = openRound(context, settings, NARROW_TASKS);
/** Every text ends with its answer, which is its last digit. */
const round = {
  ...opened,
  items: opened.items.map((item) => ({ ...item, answerIn: (text: string) => text.slice(-1) })),
};

test('a critique that reasons differently and ends with the same answer calls the shown one right', () => {
  const item = must(round.items, 0);
  expect(approves(item, 'sums27', '7')).toBe(true);
  expect(approves(item, 'sums28', '7')).toBe(false);
  // Neither has an answer, so neither is right.
  expect(approves(item, '', '')).toBe(false);
});

test('equal answers count together in a vote, however their authors reasoned', () => {
  const saying = (author: DeviceAddress, text: string): PeerRollouts => ({
    author,
    cid: author,
    set: {
      author,
      modelRoot: `0x${'00'.repeat(32)}`,
      groups: [{ item: 0, completions: [{ text, tokens: [], logprobs: [] }] }],
    },
  });
  const all = [saying(ANNA, 'a7'), saying(BEN, 'b7'), saying(CLEO, 'c8'), saying(DORA, 'd8')];
  // The voter's own answer is 7, in other words than Ben's.
  const [ballot] = castBallots(format, round, all, []);
  expect(ballot).toEqual({ item: 0, author: BEN, sample: 0 });
});

test('[P-85] a critic’s word counts on as many peers and answers as a device judges, and on no more', () => {
  const saying = (author: DeviceAddress, item: number, text: string): PeerRollouts => ({
    author,
    cid: author,
    set: {
      author,
      modelRoot: `0x${'00'.repeat(32)}`,
      groups: [{ item, completions: [{ text, tokens: [], logprobs: [] }] }],
    },
  });
  const { critiquePeers } = round.settings;
  // Anna has the same answer as Ben to item 0. Dora calls it wrong after she has judged as many others.
  const all = [saying(ANNA, 0, 'a7'), saying(BEN, 0, 'b7'), saying(CLEO, 0, 'c8')];
  const others = Array.from({ length: critiquePeers }, (_, n) => address(`${n}`));
  const judging = (authors: readonly DeviceAddress[]): PeerJudgements => ({
    critic: DORA,
    standing: { kind: 'known' },
    judgements: authors.flatMap((author) => [
      { item: 0, author, sample: 0, text: '', right: author === CLEO },
      { item: 1, author, sample: 0, text: '', right: true },
    ]),
  });
  const winnerWith = (authors: readonly DeviceAddress[]) =>
    castBallots(format, round, all, [judging(authors)])[0]?.author;
  expect(winnerWith([BEN, CLEO, ...others].slice(0, critiquePeers))).toBe(CLEO);
  expect(winnerWith([...others, BEN, CLEO])).toBe(BEN);
});
