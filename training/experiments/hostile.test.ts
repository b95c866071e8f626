import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../compute/engines/engine.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { characterTokenizerJson } from '../../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../../models/tokenizer/tokenizer.ts';
import { must } from '../../protocol/must.ts';
import type { PeerRollouts } from '../../protocol/trainer.ts';
import { admit } from '../admission.ts';
import { completionTokenizer } from '../completion-tokenizer.ts';
import type { ForeignDraw } from '../grpo.ts';
import type { LearningSettings } from '../learning-settings.ts';
import { openRound } from '../open-round.ts';
import { shortFormat } from '../short-format.ts';
import { NARROW_CONFIG, NARROW_SETTINGS, NARROW_TASKS, narrowParameters } from '../testing/narrow-model.ts';
import { ATTACKS, type Attack, hostileAnswers, rightTokens } from './hostile-answers.ts';
import { type HostilePart, hostileTable } from './hostile-results.ts';
import { runHostile } from './hostile-run.ts';
import { pairedDifference } from './paired-ratio.ts';
import { peerAddress } from './round-seeds.ts';

const format = shortFormat(completionTokenizer(new Tokenizer(characterTokenizerJson())));
const settings: LearningSettings = {
  ...NARROW_SETTINGS,
  samplesPerItem: 8,
  mix: { own: 8, foreign: 8 },
  practicePrompts: 0,
  successesOnly: 'all',
};
const context = { round: 3, seed: `0x${'12'.repeat(32)}`, device: peerAddress(0) } as const;
const round = openRound(context, settings, NARROW_TASKS);
const author = peerAddress(7);

describe('what hostile members publish', () => {
  const victim: PeerRollouts = {
    author: context.device,
    cid: 'victim',
    set: {
      author: context.device,
      modelRoot: '0x',
      groups: round.items.map((_, item) => ({
        item,
        completions: [
          { text: `${item}`, tokens: [...format.encode(`${item}`), format.endToken], logprobs: [-1, -1] },
        ],
      })),
    },
  };
  /** An honest member finds the right answer of every other item likely. */
  const likelihoods = new Map(
    round.items.map((item, at) => [at, rightTokens(format, item).map(() => (at % 2 === 0 ? -1 : -3.5))]),
  );
  const admitted = (attack: Attack) => {
    const groups = hostileAnswers({ attack, author, round, format, victim, likelihoods });
    const { samples, rejections } = admit(groups, format, {
      items: round.items,
      drawn: round.drawOf(author),
      reward: 'exact',
      completionsPerItem: settings.samplesPerItem,
      models: 'one',
      context: NARROW_CONFIG.context,
    });
    return { samples, rejections, right: samples.filter(({ reward }) => reward === 1).length };
  };

  it('passes admission, and is right as often as the attack says', () => {
    for (const attack of Object.keys(ATTACKS) as Attack[]) expect(admitted(attack).rejections).toEqual([]);
    expect(admitted('wrong').right).toBe(0);
    expect(admitted('degenerate').right).toBe(0);
    expect(admitted('silent').right).toBe(4 * settings.itemsAnswered);
    expect(admitted('certain').right).toBe(4 * settings.itemsAnswered);
    const oneTask = admitted('one task');
    expect(new Set(oneTask.samples.map(({ item }) => must(round.items, item).task)).size).toBe(1);
    expect(oneTask.right).toBe(oneTask.samples.length / 2);
    const adapted = admitted('adapted');
    const likely = oneTask.samples.filter(({ item }) => item % 2 === 0);
    expect(likely.length).toBeGreaterThan(0);
    expect(adapted.samples.map(({ item, tokens }) => [item, tokens])).toEqual(
      likely.map(({ item, tokens }) => [item, tokens]),
    );
    expect(adapted.samples.every(({ logprobs }) => logprobs?.every((each) => each === -1))).toBe(true);
    expect(new Set(admitted('copied').samples.map(({ item }) => item))).toEqual(
      new Set(round.drawOf(author)),
    );
  });
});

describe('runHostile', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createWasmEngine({ threads: 1 });
  });
  afterAll(() => engine.stop());

  it('trains honest members on right answers of hostile ones alone, by authors on fewer', async () => {
    const model = { config: NARROW_CONFIG, parameters: narrowParameters('hostile'), format };
    const play = (attack: Attack, foreignDraw: ForeignDraw = 'samples') =>
      runHostile({
        ...{ engine, model, honest: 2, hostile: 1, attack, run: 'tiny', rounds: 1, measured: 1 },
        settings: { ...settings, mix: { own: 2, foreign: 2 }, foreignDraw },
      });
    // Random weights are never right, so that honest members have nothing to teach.
    expect((await play('wrong')).trained).toBe(0);
    // 16 right answers for 16 places, of which one of two teachers has half.
    // An attack that asks an honest member's weights finds none of the answers likely by random ones.
    expect((await play('adapted')).trained).toBe(0);
    expect([(await play('silent')).trained, (await play('silent', 'authors')).trained]).toEqual([16, 8]);
  });
});

describe('the figures', () => {
  it('pair each run with that of the honest members alone, by seed and rule', () => {
    const partOf = (part: Pick<HostilePart, 'attack' | 'seed'>, sampled: number): HostilePart => ({
      ...{ rule: 'samples', hostile: part.attack === 'none' ? 0 : 5, honest: 5, ...part },
      result: {
        rewardOfRounds: [0],
        skill: { round: 1, sampled, sampledByTask: {}, greedy: 0.5, passAt4: 0.5 },
        trained: 0,
      },
    });
    const table = hostileTable([
      partOf({ attack: 'none', seed: 1 }, 0.4),
      partOf({ attack: 'none', seed: 2 }, 0.3),
      partOf({ attack: 'silent', seed: 1 }, 0.3),
      partOf({ attack: 'silent', seed: 2 }, 0.2),
    ]);
    expect(table).toContain('| 5 honest members alone | **35.0** (40.0, 30.0); 50.0 |  | not run |');
    expect(table).toContain(
      '| 5 of 10: silent | **25.0** (30.0, 20.0); 50.0 | -10.0 [-10.0, -10.0] | not run |',
    );
  });

  it('have the interval of Student’s t', () => {
    const { mean, interval } = pairedDifference([1, 3], [0, 0]);
    expect(mean).toBe(2);
    // Deviation sqrt 2 over sqrt 2, times 12.706.
    expect(interval?.[0]).toBeCloseTo(2 - 12.706, 9);
    expect(pairedDifference([1], [0]).interval).toBeUndefined();
    expect(() => pairedDifference([], [])).toThrow(RangeError);
  });
});
