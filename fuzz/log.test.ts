import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runFuzzCommand } from './command.ts';
import { Draws } from './draws.ts';
import type { fuzzInThread } from './fuzz-thread.ts';
import { appendLog, fastestFirst, type LoggedPart, progressOf, readLog } from './log.ts';
import { search } from './search.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'starling-fuzz-log-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const part = (target: string, inputs: number, seconds: number): LoggedPart => ({
  ...{ target, seed: '1', guided: false, inputs, accepted: 1, branches: 0, seconds, slowestMs: 1, faults: 0 },
});

/** The search of a part in this thread, which ends after so many inputs as a clock would end it. */
const searchHere =
  (most: number): typeof fuzzInThread =>
  async (target, { inputs, seed }) => {
    const open = await target.open();
    const { mutator, maxBytes } = target;
    const draws = new Draws(seed);
    const tried = Math.min(inputs, most);
    const result = await search({ target: open, mutator, maxBytes, draws, inputs: tried });
    await open.close?.();
    return { ...result, branches: 0, slowestMs: 0, slowest: new Uint8Array(), seconds: 0.1 };
  };

describe('npm run fuzz -- --log', () => {
  const run = (most: number, ...argv: string[]) =>
    runFuzzCommand({
      argv: ['--unguided', '--log', join(folder, 'log'), ...argv],
      print: () => undefined,
      home: folder,
      signal: new AbortController().signal,
      search: searchHere(most),
    });
  const logged = () => readLog(join(folder, 'log'));

  it('goes on in parts, each with inputs of its own, until every target has its number', async () => {
    expect(await run(40, '--inputs', '100', 'chain/amount')).toBe(0);
    expect(logged().map(({ inputs }) => inputs)).toEqual([40, 40, 20]);
    expect(new Set(logged().map(({ seed }) => seed)).size).toBe(3);
    // Nothing is left to do, and then 50 more, and another target.
    await run(40, '--inputs', '100', 'chain/amount');
    expect(logged()).toHaveLength(3);
    await run(100, '--inputs', '150', 'chain/amount', 'app/route');
    expect(logged().map(({ target, inputs }) => [target, inputs])).toEqual([
      ...[40, 40, 20].map((inputs) => ['chain/amount', inputs]),
      ...[100, 50].map((inputs) => ['app/route', inputs]),
      ['chain/amount', 50],
    ]);
  });

  it('tries a target no more that has a fault, and ends with code 1', async () => {
    appendLog(join(folder, 'log'), { ...part('chain/amount', 10, 1), faults: 1 });
    expect(await run(40, '--inputs', '100', 'chain/amount')).toBe(1);
    expect(logged()).toHaveLength(1);
  });

  it('names the line that is no part of a search', async () => {
    writeFileSync(join(folder, 'log'), `${JSON.stringify(part('chain/amount', 10, 1))}\n{"target":"x"}\n`);
    await expect(run(40, 'chain/amount')).rejects.toThrow('Line 2 of');
  });
});

describe('a log', () => {
  it('tells what was done of each target, and which are the fastest', () => {
    const parts = [part('slow', 10, 5), part('fast', 100, 1), part('slow', 30, 5)];
    expect(progressOf(parts, 'slow')).toEqual({ parts: 2, inputs: 40, seconds: 10, faults: 0 });
    const targets = ['slow', 'new', 'fast'].map((name) => ({ name }));
    expect(fastestFirst(targets, parts).map(({ name }) => name)).toEqual(['new', 'fast', 'slow']);
  });
});
