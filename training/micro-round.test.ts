import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Engine } from '../compute/engines/engine.ts';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import { type LoadedModel, loadModel, type ModelFiles } from '../models/decoder/load.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import type { PeerRollouts, RoundContext } from '../protocol/trainer.ts';
import { firstCheckpoint } from './learning-checkpoint.ts';
import { DEFAULT_SETTINGS, type LearningSettings } from './learning-settings.ts';
import { MODEL_FILES } from './nano-files.ts';
import { replayRound } from './replay-round.ts';
import { selectGenerators } from './tasks/catalogue.ts';
import { openTasks } from './tasks/task-source.ts';
import { taughtFormat } from './taught-format.ts';
import { MemoryCheckpointStore } from './testing/memory-checkpoint-store.ts';
import { LearningTrainer } from './trainer.ts';

const ANNA: DeviceAddress = `0x${'a'.repeat(40)}`;
const BEN: DeviceAddress = `0x${'b'.repeat(40)}`;
const SETTINGS: LearningSettings = {
  ...DEFAULT_SETTINGS,
  tasks: selectGenerators({ 'letter-counting': [0], 'spell-backward': [0], calendar: [0] }),
  itemsPerRound: 6,
  itemsAnswered: 3,
  samplesPerItem: 4,
  mix: { own: 4, foreign: 4 },
  practicePrompts: 1,
  heldOutItems: 8,
};

function contextFor(device: DeviceAddress): RoundContext {
  return { round: 1, seed: `0x${'12'.repeat(32)}`, device };
}

let engine: Engine;
let micro: LoadedModel;
beforeAll(async () => {
  engine = await createWasmEngine();
  const folder = new URL('../public/models/micro/', import.meta.url);
  const files = await Promise.all(
    MODEL_FILES.map(async (name) => [name, new Uint8Array(await readFile(new URL(name, folder)))] as const),
  );
  micro = loadModel(Object.fromEntries(files) as unknown as ModelFiles);
});
afterAll(() => engine.stop());

it('two members with micro answer, judge in words, vote and train; a replay gives the same root', async () => {
  const signal = new AbortController().signal;
  const format = taughtFormat(micro.tokenizer);
  const tasks = await openTasks(SETTINGS.tasks, new Map());
  const start = async (device: DeviceAddress) => {
    const store = new MemoryCheckpointStore();
    const first = async () => firstCheckpoint({ ...micro, device, settings: SETTINGS });
    return { store, trainer: await LearningTrainer.start({ engine, format, tasks, store, first }) };
  };
  const [anna, ben] = [await start(ANNA), await start(BEN)];
  const previous = (await anna.store.load()) ?? new Uint8Array();
  const published = async (device: DeviceAddress, { trainer }: typeof anna): Promise<PeerRollouts> => ({
    author: device,
    cid: `answers of ${device}`,
    set: await trainer.answer(contextFor(device), signal),
  });
  const [own, others] = [await published(ANNA, anna), await published(BEN, ben)];
  for (const { completions } of own.set.groups) {
    for (const { text } of completions) expect(text.length).toBeLessThan(400);
  }
  const judgements = await anna.trainer.critique(contextFor(ANNA), [others], signal);
  expect(judgements.length).toBeGreaterThan(0);
  expect(judgements.some(({ text }) => / is (right|wrong)\. The answer is /.test(text))).toBe(true);
  const { ballots } = await ben.trainer.vote(
    contextFor(BEN),
    [own, others],
    [{ critic: ANNA, standing: { kind: 'known' }, judgements }],
    signal,
  );
  expect(ballots.length).toBeGreaterThan(0);

  const outcome = await anna.trainer.train(contextFor(ANNA), own, [others], signal);
  expect(outcome.training.rejections).toEqual([]);
  const replay = await replayRound({
    ...{ engine, format, tasks, previous },
    ...{ context: contextFor(ANNA), own, foreign: [others] },
  });
  expect(replay.root).toBe(outcome.checkpointRoot);
  expect(replay.rollouts).toEqual(own.set);
  await anna.trainer.stop();
  await ben.trainer.stop();
});
