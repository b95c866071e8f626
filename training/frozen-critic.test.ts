import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../compute/engines/engine.ts';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import { NANO_CONFIG } from '../models/decoder/config.ts';
import { ModelSession } from '../models/decoder/model-session.ts';
import { exportDecoder } from '../models/onnx/export-decoder.ts';
import { readInstalledWasm } from '../models/onnx/node-wasm.ts';
import { OnnxDecoder } from '../models/onnx/onnx-decoder.ts';
import { concatenated } from '../models/onnx/protobuf.ts';
import { loadRuntime } from '../models/onnx/runtime.ts';
import { randomModel } from '../models/onnx/testing/models.ts';
import { trainedNano } from '../models/onnx/testing/trained-nano.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import { must } from '../protocol/must.ts';
import type { PeerRollouts, RoundContext } from '../protocol/trainer.ts';
import { completionTokenizer } from './completion-tokenizer.ts';
import type { Critic, JudgeQuestion } from './critique.ts';
import { frozenCritic } from './frozen-critic.ts';
import { firstCheckpoint } from './learning-checkpoint.ts';
import { DEFAULT_SETTINGS } from './learning-settings.ts';
import { openRound } from './open-round.ts';
import { sampleGreedy } from './sampling.ts';
import { shortFormat } from './short-format.ts';
import { openTasks } from './tasks/task-source.ts';
import { LearningTrainer } from './trainer.ts';

const nano = trainedNano();
const format = shortFormat(completionTokenizer(nano.tokenizer));
const tasks = await openTasks(DEFAULT_SETTINGS.tasks, new Map());
const ITEMS = tasks.heldOutItems(4);
let engine: Engine;
let decoder: OnnxDecoder;
let critic: Critic;
beforeAll(async () => {
  engine = await createWasmEngine({ threads: 1 });
  const runtime = await loadRuntime(await readInstalledWasm());
  const file = concatenated(exportDecoder({ ...nano, arithmetic: 'bf16-operands' }));
  decoder = await OnnxDecoder.open(runtime, file);
  critic = frozenCritic({ decoder, format });
});
afterAll(async () => {
  await decoder.close();
  await engine.stop();
});

test('it writes what the model itself would most likely write', async () => {
  const session = await ModelSession.create({ engine, ...nano });
  const questions = ['18', '6', '132'].flatMap((shown) => ITEMS.map((item) => ({ item, shown })));
  const prompts = questions.map(({ item, shown }) => format.judge(item, shown));
  expect(await critic.critique(questions)).toEqual(
    await sampleGreedy({ model: session, format }, prompts, { maxTokens: format.maxTokens.judge }),
  );
  await session.dispose();
});

test('a trainer with a critic judges by its critiques, not by those of the model in training', async () => {
  const device: DeviceAddress = `0x${'a'.repeat(40)}`;
  const context: RoundContext = { round: 5, seed: `0x${'12'.repeat(32)}`, device };
  const settings = {
    ...DEFAULT_SETTINGS,
    itemsPerRound: 4,
    itemsAnswered: 4,
    heldOutItems: 4,
    critiqueItems: 4,
  };
  const items = openRound(context, settings, tasks).items;
  const groups = items.map(({ answer }, item) => ({
    item,
    completions: [{ text: answer, tokens: [...format.encode(answer), format.endToken], logprobs: [] }],
  }));
  const author: DeviceAddress = `0x${'b'.repeat(40)}`;
  const other: PeerRollouts = {
    author,
    cid: 'cid',
    set: { author, modelRoot: `0x${'00'.repeat(32)}`, groups },
  };
  const config = {
    ...NANO_CONFIG,
    hiddenSize: 8,
    layers: 1,
    heads: 2,
    kvHeads: 1,
    headDim: 4,
    feedForward: 8,
  };
  const trainer = await LearningTrainer.start({
    engine,
    format,
    tasks,
    critic,
    store: { load: async () => undefined, save: async () => undefined },
    first: async () => firstCheckpoint({ ...randomModel(config), device, settings }),
  });
  const judgements = await trainer.critique(context, [other], new AbortController().signal);
  expect(judgements.length).toBe(4);
  const questions = judgements.map(({ item: index }): JudgeQuestion => {
    const item = must(items, index);
    return { item, shown: item.answer };
  });
  expect(judgements.map(({ text }) => text)).toEqual(await critic.critique(questions));
  for (const { text, right, item } of judgements) expect(right).toBe(text === items[item]?.answer);
  await trainer.stop();
});

test('an aborted critic stops', async () => {
  await expect(
    critic.critique([{ item: must(ITEMS, 0), shown: '1' }], AbortSignal.abort(new Error('enough'))),
  ).rejects.toThrow('enough');
});
