import { readFile } from 'node:fs/promises';
import { sha256 } from '@noble/hashes/sha2.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../compute/engines/engine.ts';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import { NANO_CONFIG } from '../models/decoder/config.ts';
import { ModelSession } from '../models/decoder/model-session.ts';
import { characterTokenizerJson } from '../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../models/tokenizer/tokenizer.ts';
import { toHex } from '../protocol/hex.ts';
import { RandomStream } from '../protocol/philox.ts';
import { completionTokenizer } from './completion-tokenizer.ts';
import { evaluate } from './evaluation.ts';
import { DEFAULT_SETTINGS } from './learning-settings.ts';
import { mistake } from './mistakes.ts';
import { MODEL_FILES, type ModelFiles, modelFiles, readModel } from './nano-files.ts';
import { NANO_RECIPE, pretrain, trainingExample } from './pretraining.ts';
import { shortFormat } from './short-format.ts';
import { chosenGenerators, NANO_SELECTION } from './tasks/catalogue.ts';
import { shareOf } from './tasks/held-out-split.ts';
import { openTasks } from './tasks/task-source.ts';

/**
 * model.safetensors after the first 20 steps. Change it only with a change that is meant to change the
 * weights.
 */
const HASH_AFTER_20 = '0xc3e5338a8c852b7f43bfd0787b8a3b44036a2d4e2800854ed6d0a816b1b5c4d7';

const FOLDER = new URL('../public/models/nano/', import.meta.url);

async function committedFiles(): Promise<ModelFiles> {
  const entries = await Promise.all(
    MODEL_FILES.map(async (name) => [name, new Uint8Array(await readFile(new URL(name, FOLDER)))] as const),
  );
  return Object.fromEntries(entries) as ModelFiles;
}

let engine: Engine;
beforeAll(async () => {
  engine = await createWasmEngine();
});
afterAll(() => engine.stop());

describe('pretrain', () => {
  it('gives the committed bits in its first steps', async () => {
    const session = await pretrain({
      engine,
      tokenizer: completionTokenizer(new Tokenizer(characterTokenizerJson())),
      recipe: NANO_RECIPE,
      stopAfter: 20,
    });
    const files = modelFiles(NANO_CONFIG, (await session.snapshot()).parameters);
    await session.dispose();
    expect(toHex(sha256(files['model.safetensors']))).toBe(HASH_AFTER_20);
  });

  it('never trains on a held-out question', () => {
    const seed = new TextEncoder().encode('lessons');
    const stream = RandomStream.named({ seed, round: 0, device: '', purpose: 'pretraining' });
    const held = new Map<string, string>();
    for (const { task, difficulties } of chosenGenerators(NANO_SELECTION.generators)) {
      for (let index = 0; index < 200; index++) {
        for (const difficulty of difficulties) {
          const item = task.sample({ seed, index, difficulty, share: 'held-out' });
          expect(shareOf(task.id, item.identity)).toBe('held-out');
          held.set(item.prompt, task.id);
        }
      }
    }
    for (let index = 0; index < 3000; index++) {
      const { prompt } = trainingExample(seed, index, stream.sequence(index));
      expect(held.has(prompt.split('=')[0] ?? '')).toBe(false);
    }
  });
});

describe('the committed model', () => {
  it('is stored in the layout that the loader reads, with the character tokenizer', async () => {
    const files = await committedFiles();
    const { config, parameters } = readModel(files);
    expect(config).toEqual(NANO_CONFIG);
    expect(JSON.parse(new TextDecoder().decode(files['tokenizer.json']))).toEqual(characterTokenizerJson());
    const written = modelFiles(config, parameters);
    for (const name of MODEL_FILES) expect(Buffer.compare(written[name], files[name])).toBe(0);
  });

  it('starts where reinforcement has room, on questions that it never saw', async () => {
    const { config, parameters, tokenizer } = readModel(await committedFiles());
    const session = await ModelSession.create({ engine, config, parameters });
    const tasks = await openTasks(NANO_SELECTION, new Map());
    const metrics = await evaluate(
      { model: session, format: shortFormat(tokenizer) },
      DEFAULT_SETTINGS,
      tasks,
    );
    await session.dispose();
    expect(metrics.answering).toBeGreaterThan(0.25);
    expect(metrics.answering).toBeLessThan(0.5);
    expect(metrics.judging).toBeGreaterThan(0.6);
    expect(metrics.correcting).toBeGreaterThan(0.25);
  });
});

describe('mistake', () => {
  it('is wrong, short and plain', () => {
    const stream = RandomStream.named({
      seed: new Uint8Array(4),
      round: 0,
      device: '',
      purpose: 'pretraining',
    });
    for (const answer of ['7', '42', '0123456', 'aab', 'zzzz']) {
      for (let index = 0; index < 300; index++) {
        const text = mistake(answer, stream.sequence(index));
        expect(text).not.toBe(answer);
        expect(text).toMatch(/^[0-9a-z]+$/);
        expect(text.length).toBeLessThanOrEqual(answer.length);
      }
    }
  });
});
