import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../compute/engines/engine.ts';
import { createReferenceEngine } from '../compute/engines/reference.ts';
import { characterTokenizerJson } from '../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../models/tokenizer/tokenizer.ts';
import { type DeviceAddress, toHex } from '../protocol/hex.ts';
import { sha256Of } from '../protocol/sha256-of.ts';
import type { TaskSelection } from '../protocol/swarm-spec.ts';
import { completionTokenizer } from './completion-tokenizer.ts';
import { firstCheckpoint, readCheckpoint, writeCheckpoint } from './learning-checkpoint.ts';
import type { LearningSettings } from './learning-settings.ts';
import { replayRound } from './replay-round.ts';
import { shortFormat } from './short-format.ts';
import { openTasks } from './tasks/task-source.ts';
import { MemoryCheckpointStore } from './testing/memory-checkpoint-store.ts';
import { NARROW_CONFIG, NARROW_SETTINGS, NARROW_TASKS, narrowParameters } from './testing/narrow-model.ts';
import { LearningTrainer } from './trainer.ts';

const format = shortFormat(completionTokenizer(new Tokenizer(characterTokenizerJson())));
const device: DeviceAddress = `0x${'a'.repeat(40)}`;
const { signal } = new AbortController();

/** Twenty questions that the narrow model can read. */
const FILE = Array.from({ length: 20 }, (_, at) => JSON.stringify({ q: `${at}+7`, a: String(at + 7) })).join(
  '\n',
);
const BYTES = new TextEncoder().encode(FILE);
const SELECTION: TaskSelection = {
  generators: [],
  dataSets: [
    {
      id: 'sevens',
      file: { path: 'sevens.jsonl', size: BYTES.length, sha256: toHex(sha256Of(BYTES)), urls: [] },
      fields: { prompt: 'q', answer: 'a' },
      heldOutOneIn: 5,
      checker: { kind: 'exact', ignoreCase: false },
    },
  ],
};
/** More items than the file has questions. */
const SETTINGS: LearningSettings = {
  ...NARROW_SETTINGS,
  tasks: SELECTION,
  itemsPerRound: 64,
  itemsAnswered: 32,
  heldOutItems: 64,
};

let engine: Engine;
beforeAll(() => {
  engine = createReferenceEngine();
});
afterAll(() => engine.stop());

function checkpoint() {
  return firstCheckpoint({
    config: NARROW_CONFIG,
    parameters: narrowParameters('data set'),
    device,
    settings: SETTINGS,
  });
}

test('a file of twenty questions trains rounds on its training share, and measures on the rest', async () => {
  const tasks = await openTasks(SELECTION, new Map([['sevens', FILE]]));
  const held = tasks.heldOutItems(64).map(({ prompt }) => prompt);
  expect(held.length).toBeGreaterThan(0);
  const store = new MemoryCheckpointStore();
  const trainer = await LearningTrainer.start({
    engine,
    format,
    tasks,
    store,
    first: async () => checkpoint(),
  });
  const context = { round: 1, seed: `0x${'12'.repeat(32)}` as const, device };
  const prompts = (await trainer.prompts(context)).map(({ prompt }) => prompt);
  expect(prompts.length).toBe(20 - held.length);
  expect(prompts.filter((prompt) => held.includes(prompt))).toEqual([]);
  const set = await trainer.answer(context, signal);
  // Fewer than the settings ask for: all that there are.
  expect(set.groups.length).toBe(prompts.length);
  const own = { author: device, cid: 'own', set };
  const outcome = await trainer.train(context, own, [], signal);
  expect(Object.keys(outcome.metrics.answeringByTask)).toEqual(['sevens']);
  expect(outcome.meanReward).toBeLessThanOrEqual(1);
  expect((await trainer.sampleAnswers(100)).map(({ prompt }) => prompt).sort()).toEqual([...held].sort());
  const previous = store.saved[0]?.bytes ?? new Uint8Array();
  const replay = await replayRound({ engine, format, tasks, previous, context, own, foreign: [] });
  expect(replay.root).toBe(outcome.checkpointRoot);
  expect(readCheckpoint(outcome.checkpoint).settings).toEqual(SETTINGS);
  await trainer.stop();
});

test('a checkpoint is not trained on tasks other than its own', async () => {
  const store = new MemoryCheckpointStore();
  const starting = LearningTrainer.start({
    engine,
    format,
    tasks: NARROW_TASKS,
    store,
    first: async () => checkpoint(),
  });
  await expect(starting).rejects.toThrow('The checkpoint learns other tasks than those that were opened');
});

test('a checkpoint with tasks out of bounds is refused by the name of the field', () => {
  const tasks = { generators: [{ id: 'sums', version: 1, difficulties: [300] }], dataSets: [] };
  const bad = writeCheckpoint({ ...checkpoint(), settings: { ...SETTINGS, tasks } });
  expect(() => readCheckpoint(bad)).toThrow('at tasks.generators[0].difficulties[0]');
});
