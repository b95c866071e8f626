import { readFile } from 'node:fs/promises';
import { sha256 } from '@noble/hashes/sha2.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../compute/engines/engine.ts';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import { parseSafetensors } from '../models/checkpoint/safetensors.ts';
import { loadModel, type ModelFiles } from '../models/decoder/load.ts';
import { ModelSession } from '../models/decoder/model-session.ts';
import { wordTokenizerJson } from '../models/tokenizer/word-vocabulary.ts';
import { toHex } from '../protocol/hex.ts';
import { must } from '../protocol/must.ts';
import { microFiles } from './micro-files.ts';
import { MICRO_CONFIG, MICRO_LESSONS, MICRO_RECIPE } from './micro-lessons.ts';
import { microPlan, microTokenizer } from './micro-pretraining.ts';
import { heldOutLessonItems } from './micro-report.ts';
import { MODEL_FILES } from './nano-files.ts';
import { runSupervised } from './supervised-run.ts';
import { taughtFormat } from './taught-format.ts';

/**
 * model.safetensors after the first 3 steps. Change it only with a change that is meant to change the
 * weights, and then make the committed model again.
 */
const HASH_AFTER_3 = '0x48062465d868131c5b1b30219bcc50baa7117496bdf139322041d92eee739494';

/** Of the rows of a few steps. It changes when a taught task does: then make the committed model again. */
const ROWS_HASH = '0xffc4f66bdd7311cbd9f4d4d7c42344d2e8e349f4c9c60331a3b90c39d2ec12c4';

/** Least share of right greedy answers to held-out questions of a task. */
const FLOOR = 0.04;

const FOLDER = new URL('../public/models/micro/', import.meta.url);

async function committedFiles(): Promise<ModelFiles> {
  const entries = await Promise.all(
    MODEL_FILES.map(async (name) => [name, new Uint8Array(await readFile(new URL(name, FOLDER)))] as const),
  );
  return Object.fromEntries(entries) as unknown as ModelFiles;
}

/** Each taught task at each of its difficulties. */
function everyDifficulty() {
  return MICRO_LESSONS.flatMap((lesson) =>
    [...new Set(lesson.difficulties)].map((difficulty) => ({ lesson, difficulty })),
  );
}

let engine: Engine;
beforeAll(async () => {
  engine = await createWasmEngine();
});
afterAll(() => engine.stop());

describe('microPlan', () => {
  it('gives the committed bits in its first steps', async () => {
    const plan = microPlan(MICRO_RECIPE, MICRO_LESSONS);
    const session = await runSupervised({ engine, plan, stopAfter: 3 });
    const files = microFiles(MICRO_CONFIG, (await session.snapshot()).parameters);
    await session.dispose();
    expect(toHex(sha256(files['model.safetensors']))).toBe(HASH_AFTER_3);
  });

  it('draws the rows that the committed model was taught', () => {
    const plan = microPlan(MICRO_RECIPE, MICRO_LESSONS);
    const rows = [0, 1203, MICRO_RECIPE.steps - 1].map((step) =>
      plan.rowsAt(step).map(({ prompt, completion }) => [prompt, completion]),
    );
    expect(toHex(sha256(new TextEncoder().encode(JSON.stringify(rows))))).toBe(ROWS_HASH);
  });

  it('teaches no held-out question, in rows that leave room in the context', () => {
    const held = new Set(
      everyDifficulty().flatMap(({ lesson, difficulty }) =>
        heldOutLessonItems(lesson, difficulty, 100).map(({ prompt }) => prompt),
      ),
    );
    expect(held.size).toBeGreaterThan(1000);
    const tokenizer = microTokenizer();
    const questionIn = (prompt: readonly number[]) => {
      const end = prompt.findIndex((token, at) => at > 0 && tokenizer.isSpecial(token));
      return tokenizer.decode(prompt.slice(0, end));
    };
    const plan = microPlan(MICRO_RECIPE, MICRO_LESSONS);
    const taught = Array.from({ length: 64 }, (_, step) => plan.rowsAt(step)).flat();
    for (const { prompt, completion } of taught) {
      expect(prompt.length + completion.length).toBeLessThanOrEqual(96);
      expect(held.has(questionIn(prompt))).toBe(false);
    }
    expect(new Set(taught.map(({ prompt }) => questionIn(prompt))).size).toBeGreaterThan(1500);
  });
});

describe('the committed micro model', () => {
  it('is stored in bf16, with the tokenizer and the shape of the recipe', async () => {
    const files = await committedFiles();
    const { config, parameters } = loadModel(files);
    expect(config).toEqual(MICRO_CONFIG);
    expect(JSON.parse(new TextDecoder().decode(files['tokenizer.json']))).toEqual(wordTokenizerJson());
    const { tensors } = parseSafetensors(files['model.safetensors']);
    expect(new Set([...tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set(['BF16']));
    const written = microFiles(config, parameters);
    for (const name of MODEL_FILES) expect(Buffer.compare(written[name], files[name])).toBe(0);
  });

  it('answers each taught task in words where it never saw the question, and leaves room to learn', async () => {
    const { config, parameters, tokenizer } = loadModel(await committedFiles());
    const format = taughtFormat(tokenizer);
    const session = await ModelSession.create({ engine, config, parameters });
    const shares = new Map<string, number>();
    for (const lesson of MICRO_LESSONS) {
      const difficulties = [...new Set(lesson.difficulties)];
      const items = difficulties.flatMap((difficulty) => heldOutLessonItems(lesson, difficulty, 12));
      const generations = await session.generate({
        prompts: items.map((item) => format.answer(item)),
        maxNewTokens: format.maxTokens.answer,
        endToken: format.endToken,
        greedy: true,
        uniform: () => 0,
      });
      const texts = generations.map(({ tokens }) => format.decode(tokens));
      for (const text of texts) expect(text).toMatch(/^[A-Za-z0-9].*\. The answer is [^.]+\.$/);
      const right = items.filter((item, at) => item.check(must(texts, at)) === 1).length;
      shares.set(lesson.task.id, right / items.length);
    }
    await session.dispose();
    for (const [task, share] of shares) expect(share, task).toBeGreaterThanOrEqual(FLOOR);
    const mean = [...shares.values()].reduce((sum, share) => sum + share, 0) / shares.size;
    expect(mean).toBeGreaterThan(0.2);
    expect(mean).toBeLessThan(0.7);
  });
});
