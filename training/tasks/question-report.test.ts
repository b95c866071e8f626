import { describe, expect, it } from 'vitest';
import type { DataSetEntry } from '../../protocol/swarm-spec.ts';
import { reportQuestions } from './question-report.ts';

const entry: DataSetEntry = {
  id: 'ants',
  file: { path: 'ants.jsonl', size: 1, sha256: `0x${'00'.repeat(32)}`, urls: [] },
  fields: { prompt: 'prompt', answer: 'answer' },
  heldOutOneIn: 4,
  checker: { kind: 'number' },
};

const report = (text: string) => reportQuestions(entry, new TextEncoder().encode(text));
const row = (n: number) => JSON.stringify({ prompt: `How many legs have ${n} ants?`, answer: String(6 * n) });
const rows = Array.from({ length: 20 }, (_, n) => row(n + 1));

describe('a report on a file of questions', () => {
  it('counts what is trained on and what is held out, and shows the first', async () => {
    const read = await report(rows.join('\n'));
    if (read.kind !== 'read') throw new Error(JSON.stringify(read.mistakes));
    expect(read.training + read.heldOut).toBe(20);
    expect(read.heldOut).toBeGreaterThan(0);
    expect(read.first).toHaveLength(2);
  });

  it('names every mistake with its line in the whole file', async () => {
    const lines = [...rows];
    lines[2] = 'not json';
    lines[5] = JSON.stringify({ prompt: 'Which ant?', answer: 'the red one' });
    lines[7] = '';
    lines[11] = row(1);
    lines[19] = JSON.stringify({ question: 'x', answer: '1' });
    const found = await report(`${lines.join('\n')}\n`);
    if (found.kind !== 'mistakes') throw new Error('The mistakes were not seen.');
    expect(found.mistakes.map(({ line }) => line).sort((a, b) => Number(a) - Number(b))).toEqual([
      3, 6, 8, 12, 20,
    ]);
    expect(found.mistakes.find(({ line }) => line === 12)?.sentence).toMatch(
      /^It asks the same question as line 1/,
    );
    expect(found.more).toBe(false);
  });

  it('stops at 20 mistakes', async () => {
    const found = await report(Array.from({ length: 50 }, () => 'no json').join('\n'));
    expect(found).toMatchObject({ kind: 'mistakes', more: true });
    expect(found.kind === 'mistakes' && found.mistakes.length).toBe(20);
  });

  it('names what is wrong with the whole', async () => {
    expect(await report('')).toMatchObject({ kind: 'mistakes', mistakes: [{ line: null }], more: false });
    expect(await report(rows.slice(0, 1).join('\n'))).toMatchObject({ mistakes: [{ line: null }] });
  });
});
