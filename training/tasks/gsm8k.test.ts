import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { toHex } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { openTasks } from './task-source.ts';

/** The training file of GSM8K (arXiv 2110.14168, MIT), where it lies beside the repository. */
const FILE = new URL('../../../shared/data/gsm8k/train.jsonl', import.meta.url);

test.skipIf(!existsSync(FILE))(
  'GSM8K is a data set: its solutions end with their answers (skipped without ../shared/data/gsm8k)',
  async () => {
    const bytes = new Uint8Array(await readFile(FILE));
    const tasks = await openTasks(
      {
        generators: [],
        dataSets: [
          {
            id: 'gsm8k',
            file: { path: 'train.jsonl', size: bytes.length, sha256: toHex(sha256Of(bytes)), urls: [] },
            fields: { prompt: 'question', answer: 'answer' },
            heldOutOneIn: 8,
            checker: { kind: 'number' },
          },
        ],
      },
      new Map([['gsm8k', bytes]]),
    );
    const training = tasks.roundItems(new Uint8Array(32), 10_000);
    const held = tasks.heldOutItems(10_000);
    expect(training.length + held.length).toBe(7473);
    expect(held.length / 7473).toBeCloseTo(1 / 8, 1);
    for (const { answer } of [...training, ...held]) expect(answer).toMatch(/^-?[\d,.]+$/);
    for (const [index, item] of [...training.slice(0, 400), ...held.slice(0, 100)].entries()) {
      expect(item.check(item.solution ?? '')).toBe(1);
      expect(item.check(`\\boxed{${item.answer}}`)).toBe(1);
      expect(item.check(`The answer is $${item.answer}.00.`)).toBe(1);
      const other = must(training, (index + 1) % training.length);
      if (other.answer !== item.answer) expect(item.check(other.solution ?? '')).toBe(0);
    }
  },
);
