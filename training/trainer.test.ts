import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../compute/engines/engine.ts';
import { createReferenceEngine } from '../compute/engines/reference.ts';
import { checkpointRoot } from '../models/checkpoint/root.ts';
import { encodeCheckpoint } from '../models/decoder/checkpoint.ts';
import { characterTokenizerJson } from '../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../models/tokenizer/tokenizer.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import { type Standing, UNKNOWN } from '../protocol/standing.ts';
import type { PeerJudgements, PeerRollouts, RoundContext } from '../protocol/trainer.ts';
import { completionTokenizer } from './completion-tokenizer.ts';
import { firstCheckpoint, readCheckpoint, writeCheckpoint } from './learning-checkpoint.ts';
import { DEFAULTS_OF_VERSIONS, type LearningSettings, settingsText } from './learning-settings.ts';
import { openRound } from './open-round.ts';
import { isPlainAnswer } from './prompts.ts';
import { replayRound } from './replay-round.ts';
import { shortFormat } from './short-format.ts';
import { MemoryCheckpointStore } from './testing/memory-checkpoint-store.ts';
import { NARROW_CONFIG, NARROW_SETTINGS, NARROW_TASKS, narrowParameters } from './testing/narrow-model.ts';
import { publishedAnswers } from './testing/published-answers.ts';
import { LearningTrainer } from './trainer.ts';

const format = shortFormat(completionTokenizer(new Tokenizer(characterTokenizerJson())));
const signal = new AbortController().signal;
const address = (digit: string) => `0x${digit.repeat(40)}` as DeviceAddress;
const ANNA = address('a');
const BEN = address('b');
const KNOWN: Standing = { kind: 'known' };

function contextFor(device: DeviceAddress, round = 5): RoundContext {
  return { round, seed: `0x${'12'.repeat(32)}`, device };
}

let engine: Engine;
beforeAll(() => {
  engine = createReferenceEngine();
});
afterAll(() => engine.stop());

async function startTrainer(
  device: DeviceAddress,
  store = new MemoryCheckpointStore(),
  evaluationEngine?: Engine,
  settings = NARROW_SETTINGS,
) {
  const trainer = await LearningTrainer.start({
    engine,
    evaluationEngine,
    format,
    tasks: NARROW_TASKS,
    store,
    first: async () =>
      firstCheckpoint({
        config: NARROW_CONFIG,
        parameters: narrowParameters(device),
        device,
        settings,
      }),
  });
  return { trainer, store };
}

/** Every device answers all items. */
const WHOLE_POOL: LearningSettings = { ...NARROW_SETTINGS, itemsPerRound: NARROW_SETTINGS.itemsAnswered };

const rolloutsOf = (
  author: DeviceAddress,
  context: RoundContext,
  text?: string,
  settings = NARROW_SETTINGS,
): PeerRollouts => publishedAnswers({ author, context, settings, tasks: NARROW_TASKS, format, text });

async function ownRollouts(trainer: LearningTrainer, context: RoundContext): Promise<PeerRollouts> {
  return { author: context.device, cid: 'cid-own', set: await trainer.answer(context, signal) };
}

describe('LearningTrainer', () => {
  it('answers each item that it draws with the set number of completions, and repeats them', async () => {
    const { trainer } = await startTrainer(ANNA);
    const context = contextFor(ANNA);
    const prompts = await trainer.prompts(context);
    const set = await trainer.answer(context, signal);
    expect(prompts.length).toBe(NARROW_SETTINGS.itemsPerRound);
    // The tasks take turns in a draw.
    expect(set.groups.map(({ item }) => prompts[item]?.task).sort()).toEqual([
      'gcd',
      'reversing',
      'sorting',
      'sums',
    ]);
    expect(set.groups.map(({ completions }) => completions.length)).toEqual([2, 2, 2, 2]);
    expect(set.modelRoot).toBe(trainer.root);
    expect(await trainer.answer(context, signal)).toEqual(set);
    const next = await trainer.answer(contextFor(ANNA, 6), signal);
    expect(next.groups).not.toEqual(set.groups);
    await trainer.stop();
  });

  it('trains on own and foreign rollouts, stores the checkpoint, and a replay gives the same bits', async () => {
    // Measured on an engine of its own, as on a GPU; the replay measures on the one that trains.
    const { trainer, store } = await startTrainer(ANNA, new MemoryCheckpointStore(), createReferenceEngine());
    const context = contextFor(ANNA);
    const own = await ownRollouts(trainer, context);
    const foreign = [rolloutsOf(address('c'), context, '0'), rolloutsOf(BEN, context)];
    const outcome = await trainer.train(context, own, foreign, signal);
    const [before, after] = store.saved;

    expect(outcome.trainedOn).toEqual(['cid-own', `cid-${BEN}`, `cid-${address('c')}`]);
    expect(outcome.optimizerSteps).toBe(NARROW_SETTINGS.stepsPerRound);
    expect(outcome.checkpointRoot).not.toBe(outcome.previousRoot);
    expect(checkpointRoot(outcome.checkpoint)).toBe(outcome.checkpointRoot);
    expect(after?.cursor).toBe(6);
    expect(after?.bytes).toEqual(outcome.checkpoint);
    expect(trainer.cursor).toBe(6);
    expect(trainer.root).toBe(outcome.checkpointRoot);

    const replay = await replayRound({
      engine,
      format,
      tasks: NARROW_TASKS,
      previous: before?.bytes ?? new Uint8Array(),
      context,
      own,
      foreign: foreign.toReversed(),
    });
    expect(replay.root).toBe(outcome.checkpointRoot);
    expect(replay.rollouts).toEqual(own.set);
    expect(replay.metrics).toEqual(outcome.metrics);

    const forged = { ...own, set: { ...own.set, groups: rolloutsOf(ANNA, context).set.groups } };
    const other = await replayRound({
      engine,
      format,
      tasks: NARROW_TASKS,
      previous: before?.bytes ?? new Uint8Array(),
      context,
      own: forged,
      foreign,
    });
    expect(other.root).not.toBe(outcome.checkpointRoot);
    await trainer.stop();
  });

  it('goes on from the stored checkpoint', async () => {
    const { trainer, store } = await startTrainer(ANNA);
    const context = contextFor(ANNA);
    const foreign = [rolloutsOf(BEN, context)];
    const outcome = await trainer.train(context, await ownRollouts(trainer, context), foreign, signal);
    await trainer.stop();
    const { trainer: again } = await startTrainer(ANNA, store);
    expect(again.root).toBe(outcome.checkpointRoot);
    expect(again.cursor).toBe(6);
    expect(again.steps).toBe(NARROW_SETTINGS.stepsPerRound);
    const next = contextFor(ANNA, 6);
    await again.train(next, await ownRollouts(again, next), [rolloutsOf(BEN, next)], signal);
    expect(again.steps).toBe(2 * NARROW_SETTINGS.stepsPerRound);
    await again.stop();
  });

  it('has the weights from before the round when it is aborted or cannot store', async () => {
    const { trainer, store } = await startTrainer(ANNA);
    const context = contextFor(ANNA);
    const own = await ownRollouts(trainer, context);
    const foreign = [rolloutsOf(BEN, context)];
    store.failing = true;
    await expect(trainer.train(context, own, foreign, signal)).rejects.toThrow('disk full');
    expect(await trainer.answer(context, signal)).toEqual(own.set);
    store.failing = false;
    await expect(trainer.train(context, own, foreign, AbortSignal.abort())).rejects.toThrow();
    expect(await trainer.answer(context, signal)).toEqual(own.set);
    expect(trainer.cursor).toBe(0);
    await trainer.train(context, own, foreign, signal);
    expect(trainer.cursor).toBe(6);
    await trainer.stop();
  });

  it('refuses a round that was trained, and another device', async () => {
    const { trainer } = await startTrainer(ANNA);
    const context = contextFor(ANNA);
    const own = await ownRollouts(trainer, context);
    await trainer.train(context, own, [], signal);
    await expect(trainer.train(context, own, [], signal)).rejects.toThrow('already trained');
    await expect(trainer.answer(contextFor(BEN, 9), signal)).rejects.toThrow('belongs to device');
    await trainer.stop();
  });

  it('ignores nonsense that a remote peer publishes', async () => {
    const { trainer } = await startTrainer(ANNA);
    const context = contextFor(ANNA);
    const bad = rolloutsOf(BEN, context);
    const nonsense: PeerRollouts = {
      ...bad,
      set: {
        ...bad.set,
        groups: [
          { item: 99, completions: [] },
          { item: 0, completions: [{ text: 'x', tokens: [4], logprobs: [Number.NaN] }] },
          { item: 1, completions: [{ text: '=?!', tokens: [-1, 1e9, 2], logprobs: [1e30, -1e30, 0] }] },
        ],
      },
    };
    const own = await ownRollouts(trainer, context);
    const outcome = await trainer.train(context, own, [nonsense], signal);
    expect(outcome.training.rejections).toEqual(
      expect.arrayContaining(['unknown item', 'tokens are not those of the text']),
    );
    expect(Number.isFinite(outcome.loss)).toBe(true);
    await trainer.stop();
  });
});

describe('the three stages', () => {
  it('judges other devices, never itself, and approves only of an answer it repeats', async () => {
    const { trainer } = await startTrainer(ANNA);
    const context = contextFor(ANNA);
    const others = [BEN, address('c'), address('d')].map((author) => rolloutsOf(author, context));
    const judgements = await trainer.critique(context, [...others, rolloutsOf(ANNA, context)], signal);
    expect(judgements.length).toBe(NARROW_SETTINGS.critiquePeers * NARROW_SETTINGS.critiqueItems);
    expect(new Set(judgements.map(({ author }) => author)).size).toBe(NARROW_SETTINGS.critiquePeers);
    const items = openRound(context, NARROW_SETTINGS, NARROW_TASKS).items;
    for (const { author, item, text, right } of judgements) {
      expect(author).not.toBe(ANNA);
      expect(right).toBe(text === items[item]?.answer);
    }
    // The swarm hands the peers over in the order of its selection; the first ones are judged.
    const first = others.slice(0, NARROW_SETTINGS.critiquePeers);
    expect(await trainer.critique(context, first, signal)).toEqual(judgements);
    await trainer.stop();
  });

  it('neither judges nor votes for answers to items that their author did not draw', async () => {
    const { trainer } = await startTrainer(ANNA);
    const context = contextFor(ANNA);
    const round = openRound(context, NARROW_SETTINGS, NARROW_TASKS);
    const answers = rolloutsOf(BEN, context);
    const undrawn = round.items.map((_, item) => item).filter((item) => !round.drawOf(BEN).includes(item));
    const groups = answers.set.groups.map((group, at) => ({ ...group, item: undrawn[at] ?? 0 }));
    const moved = { ...answers, set: { ...answers.set, groups } };
    expect(await trainer.critique(context, [moved], signal)).toEqual([]);
    expect((await trainer.vote(context, [moved], [], signal)).ballots).toEqual([]);
    expect((await trainer.critique(context, [answers], signal)).length).toBeGreaterThan(0);
    await trainer.stop();
  });

  it('shows no answer with marks of a prompt form to a critic', async () => {
    const { trainer } = await startTrainer(ANNA);
    const context = contextFor(ANNA);
    expect(isPlainAnswer('7?7!')).toBe(false);
    expect(await trainer.critique(context, [rolloutsOf(BEN, context, '7?7!')], signal)).toEqual([]);
    await trainer.stop();
  });

  it('votes for the text that critics call right, for others only, and corrects what was criticised', async () => {
    const { trainer } = await startTrainer(ANNA, new MemoryCheckpointStore(), engine, WHOLE_POOL);
    const context = contextFor(ANNA);
    const all = [
      rolloutsOf(ANNA, context, '5', WHOLE_POOL),
      rolloutsOf(BEN, context, '6', WHOLE_POOL),
      rolloutsOf(address('c'), context, '7', WHOLE_POOL),
    ];
    const judgement = (author: DeviceAddress, item: number, right: boolean) => ({
      item,
      author,
      sample: 0,
      text: right ? '7' : '9',
      right,
    });
    const critiques: PeerJudgements[] = [
      {
        critic: BEN,
        standing: KNOWN,
        judgements: [judgement(address('c'), 0, true), judgement(ANNA, 1, false), judgement(BEN, 2, true)],
      },
      {
        critic: address('d'),
        standing: KNOWN,
        judgements: [judgement(BEN, 0, false), judgement(address('c'), 0, true)],
      },
      // One critic counts once for an answer, and an unknown answer not at all.
      {
        critic: address('e'),
        standing: KNOWN,
        judgements: [...new Array(9).fill(judgement(BEN, 3, false)), judgement(address('f'), 77, true)],
      },
    ];
    const { ballots, corrections } = await trainer.vote(context, all, critiques, signal);
    expect(ballots.map(({ item }) => item)).toEqual([0, 1, 2, 3]);
    for (const { author } of ballots) expect(author).not.toBe(ANNA);
    expect(ballots[0]?.author).toBe(address('c'));
    expect(ballots[3]?.author).toBe(address('c'));
    expect(corrections.map(({ item }) => item)).toEqual([1]);
    await trainer.stop();
  });

  it('hears one critic with a record above any number of strangers, and an owner once', async () => {
    const { trainer } = await startTrainer(ANNA, new MemoryCheckpointStore(), engine, WHOLE_POOL);
    const context = contextFor(ANNA);
    const [right, wrong] = [address('c'), address('d')];
    // Many keys give the wrong answer, so that many answers could be praised.
    const crowd = Array.from({ length: 64 }, (_, n): DeviceAddress => `0x${String(n).padStart(40, '1')}`);
    const all = [
      rolloutsOf(ANNA, context, '5', WHOLE_POOL),
      rolloutsOf(right, context, '7', WHOLE_POOL),
      ...[wrong, ...crowd].map((author) => rolloutsOf(author, context, '9', WHOLE_POOL)),
    ];
    const critiqueBy = (critic: DeviceAddress, standing: Standing, praised: readonly DeviceAddress[]) => ({
      critic,
      standing,
      judgements: praised.map((author) => ({ item: 0, author, sample: 0, text: '7', right: true })),
    });
    const winner = async (...critiques: readonly PeerJudgements[]): Promise<boolean> => {
      const { ballots } = await trainer.vote(context, all, critiques, signal);
      return ballots.find(({ item }) => item === 0)?.author === right;
    };
    const known = critiqueBy(BEN, KNOWN, [right]);
    const strangers = Array.from(
      { length: 256 },
      (_, n): DeviceAddress => `0x${String(n).padStart(40, '2')}`,
    );
    const praise = strangers.map((critic) => critiqueBy(critic, UNKNOWN, [wrong, ...crowd]));
    expect(await winner(known, ...praise)).toBe(true);
    expect(await winner(...praise)).toBe(false);

    const bound: Standing = { kind: 'bound', owner: address('e') };
    const owned = strangers.map((critic) => critiqueBy(critic, bound, [wrong, ...crowd]));
    const other = critiqueBy(address('f'), KNOWN, [right]);
    expect(await winner(known, other, ...owned)).toBe(true);
    await trainer.stop();
  });

  it('corrects in view of what a critic with a record wrote, whatever strangers write', async () => {
    const { trainer } = await startTrainer(ANNA, new MemoryCheckpointStore(), engine, WHOLE_POOL);
    const context = contextFor(ANNA);
    const all = [rolloutsOf(ANNA, context, '5', WHOLE_POOL)];
    const critiqueBy = (critic: DeviceAddress, standing: Standing, text: string): PeerJudgements => ({
      critic,
      standing,
      judgements: [{ item: 1, author: ANNA, sample: 0, text, right: false }],
    });
    const known = critiqueBy(BEN, KNOWN, '7');
    const strangers = [...'0123456789'].map((digit) => critiqueBy(address(digit), UNKNOWN, '3'));
    const alone = await trainer.vote(context, all, [known], signal);
    expect(alone.corrections).toHaveLength(1);
    expect(await trainer.vote(context, all, [...strangers, known], signal)).toEqual(alone);
    await trainer.stop();
  });
});

describe('a checkpoint of learning', () => {
  it('comes back with its settings, and is refused without them', async () => {
    const { trainer, store } = await startTrainer(BEN);
    const bytes = store.saved[0]?.bytes ?? new Uint8Array();
    const checkpoint = readCheckpoint(bytes);
    expect(checkpoint.settings).toEqual(NARROW_SETTINGS);
    expect(writeCheckpoint(checkpoint)).toEqual(bytes);
    const bad = { ...checkpoint, settings: { ...NARROW_SETTINGS, itemsPerRound: 1e9 } };
    expect(() => readCheckpoint(writeCheckpoint(bad))).toThrow('itemsPerRound');
    const more = { ...checkpoint, settings: { ...NARROW_SETTINGS, itemsAnswered: 9 } };
    expect(() => readCheckpoint(writeCheckpoint(more))).toThrow('itemsAnswered must be 1 to 8');
    await trainer.stop();
  });

  it('is refused with a remedy when its settings are of an earlier version', async () => {
    const { trainer, store } = await startTrainer(BEN);
    const checkpoint = readCheckpoint(store.saved[0]?.bytes ?? new Uint8Array());
    if (checkpoint.kind !== 'full') throw new Error('The trainer trains all weights.');
    const earlier = encodeCheckpoint({ ...checkpoint, training: JSON.stringify({ itemsPerRound: 8 }) });
    expect(() => readCheckpoint(earlier)).toThrow(
      'have version 1, and this program reads version 5: start from the published model again',
    );
    await trainer.stop();
  });

  it('reads settings of versions 3 and 4, which know fewer rules against strangers, and keeps their text', async () => {
    const { trainer, store } = await startTrainer(BEN);
    const checkpoint = readCheckpoint(store.saved[0]?.bytes ?? new Uint8Array());
    if (checkpoint.kind !== 'full') throw new Error('The trainer trains all weights.');
    const { foreignDraw, foreignFloor, ...settings } = checkpoint.settings;
    expect([foreignDraw, foreignFloor]).toEqual(['authors', 'none']);
    const readAs = (training: string) => {
      const read = readCheckpoint(encodeCheckpoint({ ...checkpoint, training })).settings;
      expect(settingsText(read)).toBe(training);
      return [read.foreignDraw, read.foreignFloor];
    };
    expect(readAs(JSON.stringify({ version: 3, ...settings }))).toEqual(['samples', 'none']);
    expect(readAs(JSON.stringify({ version: 4, ...settings, foreignDraw }))).toEqual(['authors', 'none']);
    const newest = { ...settings, foreignDraw, foreignFloor: -3 };
    expect(readAs(JSON.stringify({ version: 5, ...newest }))).toEqual(['authors', -3]);
    expect(DEFAULTS_OF_VERSIONS.map((each) => JSON.parse(settingsText(each)).version)).toEqual([5, 4, 3]);
    for (const foreignFloor of [0.5, -101, 'none', null])
      expect(() => readAs(JSON.stringify({ version: 5, ...newest, foreignFloor }))).toThrow('foreignFloor');
    await trainer.stop();
  });

  it('answers a question of one’s own before and after training, and stays as it is', async () => {
    const { trainer } = await startTrainer(ANNA);
    const fresh = await trainer.ask('3+4', signal);
    expect(fresh.before).toBe(fresh.now);
    const context = contextFor(ANNA);
    const own = await ownRollouts(trainer, context);
    await trainer.train(context, own, [rolloutsOf(BEN, context)], signal);
    const [before, after] = [await trainer.evaluate(), await trainer.ask('3+4', signal)];
    expect(after.before).toBe(fresh.before);
    expect(await trainer.evaluate()).toEqual(before);
    expect((await trainer.ask('3+4', signal)).now).toBe(after.now);
    await expect(trainer.ask('Wie geht’s?', signal)).rejects.toThrow();
    expect(await trainer.evaluate()).toEqual(before);
    await trainer.stop();
  });
});
