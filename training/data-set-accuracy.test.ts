import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import { FrozenSession } from '../models/decoder/frozen-session.ts';
import { folderSource } from '../models/loading/folder-source.ts';
import { openModel } from '../models/loading/open-model.ts';
import { toHex } from '../protocol/hex.ts';
import { sha256Of } from '../protocol/sha256-of.ts';
import type { DataSetEntry } from '../protocol/swarm-spec.ts';
import { measureQuestions } from './data-set-accuracy.ts';
import { DEFAULT_SETTINGS } from './learning-settings.ts';
import { modelFormat } from './model-format.ts';
import { openTasks } from './tasks/task-source.ts';

const NANO = fileURLToPath(new URL('../public/models/nano', import.meta.url));
const GSM8K = new URL('../../shared/data/gsm8k/train.jsonl', import.meta.url);

/** Questions that nano was taught, as a file of a person's own, with one that nano cannot read. */
async function sums() {
  const lines = Array.from({ length: 40 }, (_, i) =>
    JSON.stringify({ q: `${i + 3}+${i + 4}`, a: `${2 * i + 7}` }),
  );
  const text = [...lines, JSON.stringify({ q: 'Wie viel ist 1 + 1?', a: '2' })].join('\n');
  const bytes = new TextEncoder().encode(text);
  const entry: DataSetEntry = {
    id: 'own',
    file: { path: 'own.jsonl', size: bytes.length, sha256: toHex(sha256Of(bytes)), urls: [] },
    fields: { prompt: 'q', answer: 'a' },
    heldOutOneIn: 2,
    checker: { kind: 'number' },
  };
  return openTasks({ generators: [], dataSets: [entry] }, new Map([['own', bytes]]));
}

async function openNano() {
  const model = await openModel(folderSource(NANO));
  const engine = await createWasmEngine({ threads: 1 });
  const session = await FrozenSession.create({ engine, config: model.config, weights: model.weights });
  const { tokenizer, generation } = model;
  const format = modelFormat({ tokenizer, endTokens: generation.endTokens, settings: DEFAULT_SETTINGS });
  return { engine, policy: { model: session, format } };
}

describe('measureQuestions', () => {
  it('counts right answers, and a question that the model cannot read as a wrong one', async () => {
    const { engine, policy } = await openNano();
    const tasks = await sums();
    const items = [...tasks.heldOutItems(12), ...tasks.roundItems(new Uint8Array(32), 20)];
    const { accuracy, questions } = await measureQuestions(policy, items);
    const answered = questions.filter((each) => each.kind === 'answered');
    for (const each of answered) expect(each.right).toBe(Number(each.found) === Number(each.item.answer));
    const right = answered.filter((each) => each.right).length;
    expect(right).toBeGreaterThan(0);
    expect(accuracy).toBe(right / items.length);
    for (const each of questions) expect(each.kind === 'skipped').toBe(/[A-Z]/.test(each.item.prompt));
    await engine.stop();
  });

  it('refuses to measure nothing', async () => {
    const { engine, policy } = await openNano();
    await expect(measureQuestions(policy, [])).rejects.toThrow(RangeError);
    await engine.stop();
  });
});

const gsm8k = await readFile(GSM8K).catch(() => undefined);
describe.skipIf(gsm8k === undefined)('GSM8K (skipped where its file is absent)', () => {
  it('is checked by the number after ####, whatever reasoning precedes it', async () => {
    const bytes = new Uint8Array(gsm8k ?? []);
    const entry: DataSetEntry = {
      id: 'gsm8k',
      file: { path: 'train.jsonl', size: bytes.length, sha256: toHex(sha256Of(bytes)), urls: [] },
      fields: { prompt: 'question', answer: 'answer' },
      heldOutOneIn: 8,
      checker: { kind: 'number' },
    };
    const tasks = await openTasks({ generators: [], dataSets: [entry] }, new Map([['gsm8k', bytes]]));
    const items = tasks.heldOutItems(200);
    expect(items.length).toBe(200);
    for (const item of items) {
      expect(item.check(item.solution ?? '')).toBe(1);
      expect(item.check(`<think>perhaps 7 or 9</think><answer>${item.answer}</answer>`)).toBe(1);
      expect(item.check(`The answer is ${item.answer}1.`)).toBe(0);
    }
  });
});
