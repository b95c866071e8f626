import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../compute/engines/engine.ts';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import { checkpointRoot } from '../models/checkpoint/root.ts';
import type { LoraOptions } from '../models/decoder/lora/adapters.ts';
import { frozenRoot } from '../models/decoder/lora/frozen-root.ts';
import { memoryWeights } from '../models/decoder/weights.ts';
import { openMemoryDirectory } from '../models/storage/memory-directory.ts';
import { characterTokenizerJson } from '../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../models/tokenizer/tokenizer.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import type { PeerRollouts, RoundContext } from '../protocol/trainer.ts';
import { openCheckpointRetention } from './checkpoint-retention.ts';
import { completionTokenizer } from './completion-tokenizer.ts';
import { firstAdapters, readCheckpoint, writeCheckpoint } from './learning-checkpoint.ts';
import { BaseModelError, type BaseWeights } from './open-policy-model.ts';
import { replayRound } from './replay-round.ts';
import { shortFormat } from './short-format.ts';
import { MemoryCheckpointStore } from './testing/memory-checkpoint-store.ts';
import { NARROW_CONFIG, NARROW_SETTINGS, NARROW_TASKS, narrowParameters } from './testing/narrow-model.ts';
import { publishedAnswers } from './testing/published-answers.ts';
import { LearningTrainer, type TrainerOptions } from './trainer.ts';

const format = shortFormat(completionTokenizer(new Tokenizer(characterTokenizerJson())));
const tasks = NARROW_TASKS;
const config = NARROW_CONFIG;
const settings = NARROW_SETTINGS;
const lora: LoraOptions = { rank: 2, alpha: 4, targets: ['q_proj', 'down_proj'] };
const address = (digit: string) => `0x${digit.repeat(40)}` as DeviceAddress;
const [device, BEN] = [address('a'), address('b')];
const signal = new AbortController().signal;
const contextOf = (round: number): RoundContext => ({ round, seed: `0x${'12'.repeat(32)}`, device });
const weights = memoryWeights(narrowParameters('base'));
const base: BaseWeights = { weights };

let engine: Engine;
beforeAll(async () => {
  engine = await createWasmEngine({ threads: 1 });
});
afterAll(() => engine.stop());

async function start(store: MemoryCheckpointStore, more: Partial<TrainerOptions> = {}) {
  const root = await frozenRoot(config, weights);
  return LearningTrainer.start({
    ...{ engine, format, tasks, store, base },
    first: async () => firstAdapters({ config, lora, base: root, device, settings }),
    ...more,
  });
}

/** Own and foreign rollouts of a round, some of them right. */
function published(round: number): { readonly own: PeerRollouts; readonly foreign: readonly PeerRollouts[] } {
  const of = (author: DeviceAddress) =>
    publishedAnswers({ author, context: contextOf(round), settings, tasks, format });
  return { own: { ...of(device), cid: 'cid-own' }, foreign: [of(BEN)] };
}

async function train(trainer: LearningTrainer, round: number) {
  const { own, foreign } = published(round);
  return trainer.train(contextOf(round), own, foreign, signal);
}

describe('a trainer of adapters', () => {
  it('trains the adapters only, with a root that binds them and the base', async () => {
    const store = new MemoryCheckpointStore();
    const trainer = await start(store);
    const outcome = await train(trainer, 5);
    expect(outcome.optimizerSteps).toBeGreaterThan(0);
    expect(outcome.checkpointRoot).toBe(checkpointRoot(outcome.checkpoint));
    const checkpoint = readCheckpoint(outcome.checkpoint);
    if (checkpoint.kind !== 'adapters') throw new Error('All weights were trained.');
    expect(checkpoint).toMatchObject({ cursor: 6, rngKey: device, lora, settings });
    expect(checkpoint.base).toBe(await frozenRoot(config, weights));
    expect([...checkpoint.state.adapters.keys()].every((name) => name.includes('.lora_'))).toBe(true);
    const before = readCheckpoint(store.saved[0]?.bytes ?? new Uint8Array());
    expect(checkpoint.state).not.toEqual(before.state);
    const elsewhere = writeCheckpoint({ ...checkpoint, base: `0x${'77'.repeat(32)}` });
    expect(checkpointRoot(elsewhere)).not.toBe(outcome.checkpointRoot);
    await trainer.stop();
  });

  it('goes on after a kill to the bits of a trainer that was not killed', async () => {
    const [whole, killed] = [new MemoryCheckpointStore(), new MemoryCheckpointStore()];
    const first = await start(whole);
    await train(first, 5);
    await train(first, 6);
    const second = await start(killed);
    await train(second, 5);
    await second.stop();
    // Less memory, and layers computed again: the same bits.
    const third = await start(killed, { generationMemory: 1 << 12, recompute: true });
    expect([third.cursor, third.steps]).toEqual([6, 1]);
    await train(third, 6);
    expect(third.root).toBe(first.root);
    expect(killed.saved.at(-1)?.bytes).toEqual(whole.saved.at(-1)?.bytes);
    await first.stop();
    await third.stop();
  });

  it('is replayed to the bit with the base model, and refused without it or with another', async () => {
    const store = new MemoryCheckpointStore();
    const trainer = await start(store);
    const context = contextOf(5);
    const set = await trainer.answer(context, signal);
    const { own, foreign } = published(5);
    const outcome = await trainer.train(context, own, foreign, signal);
    const previous = store.saved[0]?.bytes ?? new Uint8Array();
    const options = { engine, format, tasks, previous, context, own, foreign };
    const replay = await replayRound({ ...options, base });
    expect(replay.root).toBe(outcome.checkpointRoot);
    expect(replay.rollouts).toEqual(set);
    expect(replay.metrics).toEqual(outcome.metrics);
    await expect(replayRound(options)).rejects.toThrow(BaseModelError);
    const other = { weights: memoryWeights(narrowParameters('another')) };
    await expect(replayRound({ ...options, base: other })).rejects.toThrow(/belong to a model with root 0x/);
    await trainer.stop();
  });

  it('keeps checkpoints for others by their roots', async () => {
    const directory = openMemoryDirectory();
    const retention = openCheckpointRetention({ directory, policy: { every: 5, quota: 1 << 20 } });
    const trainer = await start(new MemoryCheckpointStore(), { retention });
    const roots = [];
    for (const round of [5, 6, 7]) roots.push((await train(trainer, round)).checkpointRoot);
    expect((await retention.list()).map(({ round, root }) => [round, root])).toEqual([
      [5, roots[0]],
      [7, roots[2]],
    ]);
    await trainer.stop();
  });

  it('starts from the same adapters on every device of a swarm', async () => {
    const of = (owner: DeviceAddress) =>
      firstAdapters({ config, lora, base: `0x${'11'.repeat(32)}`, device: owner, settings });
    expect(of(BEN).state).toEqual(of(device).state);
    expect(of(BEN).rngKey).toBe(BEN);
  });
});

describe('a checkpoint of adapters', () => {
  const checkpoint = firstAdapters({ config, lora, base: `0x${'11'.repeat(32)}`, device, settings });

  it('comes back with its kind', () => {
    expect(readCheckpoint(writeCheckpoint(checkpoint))).toEqual(checkpoint);
  });

  it('is refused without learning settings, and with settings out of bounds', () => {
    const bad = writeCheckpoint({ ...checkpoint, settings: { ...settings, answerTokens: 0 } });
    expect(() => readCheckpoint(bad)).toThrow('answerTokens must be 1 to 4096');
  });
});
