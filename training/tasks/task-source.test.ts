import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { DataSetEntry, TaskSelection } from '../../protocol/swarm-spec.ts';
import { NANO_SELECTION, selectGenerators } from './catalogue.ts';
import { shareOf } from './held-out-split.ts';
import type { TaskItem } from './task.ts';
import { openTasks, requireSelection } from './task-source.ts';

const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });
const open = (selection: TaskSelection, texts: readonly (readonly [string, string])[] = []) =>
  openTasks(selection, new Map(texts));

/** An entry that names the file by its bytes. */
function entryOf(id: string, file: string, changed: Partial<DataSetEntry> = {}): DataSetEntry {
  const bytes = new TextEncoder().encode(file);
  return {
    id,
    file: { path: `${id}.jsonl`, size: bytes.length, sha256: toHex(sha256Of(bytes)), urls: [] },
    fields: { prompt: 'question', answer: 'answer' },
    heldOutOneIn: 5,
    checker: { kind: 'number' },
    ...changed,
  };
}

function questions(count: number, topic = 'double'): string {
  const lines = Array.from({ length: count }, (_, index) =>
    JSON.stringify({ question: `What is the ${topic} of ${index}?`, answer: String(2 * index) }),
  );
  return `${lines.join('\n')}\n`;
}

describe('generators', () => {
  const selection = selectGenerators({ sums: [0, 1], sorting: [0], gcd: [0, 1, 2], reversing: [2] });

  it('draw a round from its seed alone, tasks in turn, and never from the held-out share', async () => {
    const tasks = await open(selection);
    fc.assert(
      fc.property(seeds, (seed) => {
        const items = tasks.roundItems(seed, 8);
        expect(items.map((item) => item.task)).toEqual([...tasks.taskIds, ...tasks.taskIds]);
        expect(tasks.roundItems(seed, 8).map((item) => item.prompt)).toEqual(
          items.map((item) => item.prompt),
        );
        for (const item of items) expect(shareOf(item.task, item.identity)).toBe('training');
      }),
      { numRuns: 30 },
    );
  });

  it('measure on the same different questions every time', async () => {
    const tasks = await open(selection);
    const items = tasks.heldOutItems(64);
    expect(new Set(items.map((item) => item.identity)).size).toBe(64);
    for (const item of items) expect(shareOf(item.task, item.identity)).toBe('held-out');
    expect(tasks.heldOutItems(64).map((item) => item.prompt)).toEqual(items.map((item) => item.prompt));
  });

  it('measure on 384 different questions, though some tasks have fewer held out than their share', async () => {
    const items = (await open(NANO_SELECTION)).heldOutItems(384);
    expect(new Set(items.map((item) => `${item.task}/${item.identity}`)).size).toBe(384);
  });

  it('repeat a question only when there is no other', async () => {
    const items = (await open(selectGenerators({ gcd: [0] }))).heldOutItems(60);
    expect(items.length).toBe(60);
    expect(new Set(items.map((item) => item.identity)).size).toBeLessThan(60);
  });

  it('are those of the selection only, at its difficulties', async () => {
    const tasks = await open(selectGenerators({ rotating: [1], shifting: [0, 1] }));
    const items = tasks.roundItems(new Uint8Array(32), 6);
    expect(items.map(({ task, difficulty }) => `${task} ${difficulty}`)).toEqual([
      'rotating 1',
      'shifting 0',
      'rotating 1',
      'shifting 1',
      'rotating 1',
      'shifting 0',
    ]);
  });

  it('give the items that swarms and the nano model have had since their first version', async () => {
    const digest = (items: readonly TaskItem[]) =>
      createHash('sha256')
        .update(JSON.stringify(items.map((i) => [i.task, i.prompt, i.answer, i.difficulty])))
        .digest('hex')
        .slice(0, 16);
    const seed = new Uint8Array(32).fill(7);
    const nano = await open(NANO_SELECTION);
    expect(digest(nano.roundItems(seed, 256))).toBe('54dc6cf7022302f7');
    expect(digest(nano.heldOutItems(384))).toBe('9591e609b4dd9fb6');
    expect(digest(nano.heldOutItems(1024))).toBe('e25e9b7abffa61fb');
    expect(digest((await open(selectGenerators({ gcd: [0] }))).heldOutItems(60))).toBe('f0ffbe67856c1ba7');
    const all = await open(
      selectGenerators({
        ...{ sums: [0, 1, 2], sorting: [0, 1, 2], gcd: [0], reversing: [0, 2] },
        ...{ rotating: [0], shifting: [1], swapping: [0], complementing: [2] },
      }),
    );
    expect(digest(all.roundItems(seed, 256))).toBe('d051d1edbd860c50');
  });

  it('are refused with a remedy when this program does not have them', async () => {
    const entry = { id: 'sums', version: 1, difficulties: [0] };
    const of = (changed: object) => open({ generators: [{ ...entry, ...changed }], dataSets: [] });
    await expect(of({ id: 'chess' })).rejects.toThrow('knows no task chess: update the program');
    await expect(of({ version: 2 })).rejects.toThrow(
      'version 1 of the task sums, and the swarm uses version 2',
    );
    await expect(of({ difficulties: [3] })).rejects.toThrow('sums has difficulties 0 to 2, not 3');
    await expect(of({ difficulties: [] })).rejects.toThrow(
      'at tasks.generators[0].difficulties: expected at least 1 entries',
    );
    await expect(open({ generators: [], dataSets: [] })).rejects.toThrow(
      'at tasks: expected at least one task',
    );
    await expect(open({ generators: [entry, entry], dataSets: [] })).rejects.toThrow(
      'an entry that is not there before',
    );
  });

  it('are told apart from those of another selection', async () => {
    const tasks = await open(selection);
    expect(() => requireSelection(tasks, structuredClone(selection))).not.toThrow();
    expect(() => requireSelection(tasks, NANO_SELECTION)).toThrow('open the tasks of the checkpoint');
  });
});

describe('data sets', () => {
  const file = questions(20);
  const entry = entryOf('doubles', file);
  const selection = { generators: [], dataSets: [entry] };

  it('give every training question once a round and no more, in an order of the seed', async () => {
    const tasks = await open(selection, [['doubles', file]]);
    const held = tasks.heldOutItems(100);
    fc.assert(
      fc.property(seeds, seeds, (seed, other) => {
        const items = tasks.roundItems(seed, 64);
        const prompts = items.map(({ prompt }) => prompt);
        expect(new Set(prompts).size).toBe(20 - held.length);
        expect(prompts.length).toBe(20 - held.length);
        expect(tasks.roundItems(seed, 64).map(({ prompt }) => prompt)).toEqual(prompts);
        // A smaller round is the beginning of a larger one.
        expect(tasks.roundItems(seed, 5).map(({ prompt }) => prompt)).toEqual(prompts.slice(0, 5));
        const others = tasks.roundItems(other, 64).map(({ prompt }) => prompt);
        expect([...others].sort()).toEqual([...prompts].sort());
      }),
      { numRuns: 30 },
    );
  });

  it('never train on the held-out share, which is fixed by the question', async () => {
    const tasks = await open(selection, [['doubles', file]]);
    const held = tasks.heldOutItems(100).map(({ prompt }) => prompt);
    expect(held.length).toBeGreaterThan(0);
    const trained = tasks.roundItems(new Uint8Array(32), 100).map(({ prompt }) => prompt);
    expect(trained.filter((prompt) => held.includes(prompt))).toEqual([]);
    const turned = `${file.trim().split('\n').reverse().join('\n')}\n`;
    const again = await open({ generators: [], dataSets: [entryOf('doubles', turned)] }, [
      ['doubles', turned],
    ]);
    expect(
      again
        .heldOutItems(100)
        .map(({ prompt }) => prompt)
        .sort(),
    ).toEqual([...held].sort());
  });

  it('draw the first place evenly', async () => {
    const tasks = await open(selection, [['doubles', file]]);
    const counts = new Map<string, number>();
    for (let round = 0; round < 3000; round++) {
      const seed = new Uint8Array(32);
      new DataView(seed.buffer).setUint32(0, round);
      const [first] = tasks.roundItems(seed, 1);
      counts.set(first?.prompt ?? '', (counts.get(first?.prompt ?? '') ?? 0) + 1);
    }
    const expected = 3000 / counts.size;
    for (const count of counts.values()) {
      expect(Math.abs(count - expected)).toBeLessThan(5 * Math.sqrt(expected));
    }
  });

  it('take turns with generators, which go on when the file has no more', async () => {
    const tasks = await open({ ...selectGenerators({ sums: [2] }), dataSets: [entry] }, [['doubles', file]]);
    expect(tasks.taskIds).toEqual(['sums', 'doubles']);
    const items = tasks.roundItems(new Uint8Array(32), 60);
    expect(items.slice(0, 4).map(({ task }) => task)).toEqual(['sums', 'doubles', 'sums', 'doubles']);
    expect(items.length).toBe(60);
    expect(new Set(items.map(({ task, identity }) => `${task}/${identity}`)).size).toBe(60);
  });

  it('are refused when missing, another file, or without a question in one of the shares', async () => {
    await expect(open(selection)).rejects.toThrow('its file doubles.jsonl is missing. Fetch it');
    await expect(open(selection, [['doubles', questions(19)]])).rejects.toThrow('bytes instead of');
    await expect(open(selection, [['doubles', file.replace('0', '1')]])).rejects.toThrow('SHA-256');
    const one = JSON.stringify({ question: 'What is 1?', answer: 1 });
    await expect(
      open({ generators: [], dataSets: [entryOf('one', one, { heldOutOneIn: 1000 })] }, [['one', one]]),
    ).rejects.toThrow('held-out share has no question when one in 1000 is held out');
  });

  it('cannot have the id of another task', async () => {
    const both = { ...selectGenerators({ sums: [0] }), dataSets: [entryOf('sums', file)] };
    await expect(open(both, [['sums', file]])).rejects.toThrow('Two tasks have the id sums');
  });

  it('check by patterns, of which a file may have 5,000', async () => {
    const checker = { kind: 'pattern' } as const;
    const few = questions(30).replaceAll(/"answer":"(\d+)"/g, '"answer":"0*$1"');
    const patterns = { generators: [], dataSets: [entryOf('few', few, { checker })] };
    const [item] = (await open(patterns, [['few', few]])).roundItems(new Uint8Array(32), 1);
    expect(item?.check(`The answer is 00${item.answer.slice(2)}.`)).toBe(1);
    expect(item?.check('The answer is x.')).toBe(0);
    const many = questions(5001);
    const opening = open({ generators: [], dataSets: [entryOf('many', many, { checker })] }, [
      ['many', many],
    ]);
    await expect(opening).rejects.toThrow('it has 5001 patterns, and 5000 are allowed. Split the file.');
  });

  it('are refused with the line that the checker cannot use', async () => {
    const bad = `${file}${JSON.stringify({ question: 'Who?', answer: 'nobody' })}\n`;
    const opening = open({ generators: [], dataSets: [entryOf('bad', bad)] }, [['bad', bad]]);
    await expect(opening).rejects.toThrow('Data set bad, line 21: its answer is not a number');
    await expect(opening).rejects.toMatchObject({ name: 'DataSetError', line: 21 });
  });
});
