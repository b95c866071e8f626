import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { must } from '../../../protocol/must.ts';
import { WORD_TASKS } from '../catalogue.ts';
import { shareOf } from '../held-out-split.ts';
import type { Task, TaskItem } from '../task.ts';
import { SOLVERS } from '../testing/solvers.ts';

const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });

function itemsOf(task: Task): fc.Arbitrary<TaskItem> {
  return fc
    .record({
      seed: seeds,
      index: fc.integer({ min: 0, max: 0xffffffff }),
      difficulty: fc.integer({ min: 0, max: task.difficulties.length - 1 }),
      share: fc.constantFrom('training' as const, 'held-out' as const),
    })
    .map((options) => task.sample(options));
}

function sampleOf(
  task: Task,
  difficulty: number,
  count: number,
  share: 'training' | 'held-out' = 'training',
) {
  const seed = new Uint8Array(32).fill(5);
  return Array.from({ length: count }, (_, index) => task.sample({ seed, index, difficulty, share }));
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, each) => sum + each, 0) / numbers.length;

describe.each(WORD_TASKS.map((task) => [task.id, task] as const))('%s', (id, task) => {
  it('has the answer that its prompt asks for, worked out by other means', () => {
    const solve = SOLVERS[id];
    fc.assert(
      fc.property(itemsOf(task), (item) => {
        const solved = solve?.(item.prompt) ?? '';
        expect(item.check(solved)).toBe(1);
        // A ladder may have several ways of the same length.
        if (id === 'word-ladder') expect(item.answer.length).toBeGreaterThanOrEqual(solved.length);
        else expect(item.answer).toBe(solved);
      }),
      { numRuns: 200 },
    );
  });

  it('accepts its solution and its answer, and refuses another answer', () => {
    fc.assert(
      fc.property(itemsOf(task), itemsOf(task), (item, other) => {
        const { solution = '', answer } = item;
        expect(solution.endsWith(` The answer is ${answer}.`)).toBe(true);
        for (const text of [
          answer,
          solution,
          ` ${answer}\n`,
          `**${answer}**`,
          `<answer>${answer}</answer>`,
        ]) {
          expect(item.check(text)).toBe(1);
          expect(item.explain(text)).toBe('The answer is right.');
        }
        for (const text of [
          '',
          'The answer is',
          `The answer is ${answer}7.`,
          `${solution} The answer is 987654.`,
        ]) {
          expect(item.check(text)).toBe(0);
        }
        if (other.answer !== answer) {
          expect(item.check(other.solution ?? '')).toBe(0);
          expect(item.explain(other.solution ?? '')).toContain(answer);
        }
      }),
    );
  });

  it('is written in printable ASCII and short', () => {
    fc.assert(
      fc.property(itemsOf(task), (item) => {
        expect(item.prompt).toMatch(/^[ -~]{1,160}$/);
        expect(item.solution).toMatch(/^[ -~]{1,320}$/);
        if (item.difficulty > 0) return;
        expect(item.prompt.length).toBeLessThanOrEqual(100);
        expect(item.solution?.length).toBeLessThanOrEqual(130);
      }),
    );
  });

  it('gives the same item for the same seed, index and share, and keeps the shares apart', () => {
    const share = fc.constantFrom('training' as const, 'held-out' as const);
    fc.assert(
      fc.property(seeds, fc.nat(), share, (seed, index, share) => {
        const once = task.sample({ seed, index, difficulty: 1, share });
        const again = task.sample({ seed, index, difficulty: 1, share });
        expect({ ...again, ...once }).toEqual(once);
        expect([again.prompt, again.solution]).toEqual([once.prompt, once.solution]);
        expect(shareOf(id, once.identity)).toBe(share);
      }),
    );
    const trained = new Set(sampleOf(task, 0, 300).map(({ prompt }) => prompt));
    const held = sampleOf(task, 0, 100, 'held-out').filter(({ prompt }) => trained.has(prompt));
    expect(held).toEqual([]);
  });

  it.each(task.difficulties.map((text, difficulty) => [text, difficulty] as const))(
    'has enough questions and no answer that always pays: %s',
    (_, difficulty) => {
      const held = sampleOf(task, difficulty, 300, 'held-out');
      expect(new Set(held.map(({ prompt }) => prompt)).size).toBeGreaterThanOrEqual(30);
      const counts = new Map<string, number>();
      const items = sampleOf(task, difficulty, 500);
      for (const { answer } of items) counts.set(answer, (counts.get(answer) ?? 0) + 1);
      expect(Math.max(...counts.values()) / items.length).toBeLessThan(0.6);
    },
  );

  it('grows with its difficulty', () => {
    const lengths = task.difficulties.map((_, difficulty) =>
      mean(
        sampleOf(task, difficulty, 150).map(({ prompt, solution = '' }) => prompt.length + solution.length),
      ),
    );
    for (let at = 1; at < lengths.length; at++)
      expect(must(lengths, at)).toBeGreaterThan(must(lengths, at - 1));
  });

  it('refuses a difficulty that it does not have', () => {
    expect(() => task.sample({ seed: new Uint8Array(32), index: 0, difficulty: 9 })).toThrow(RangeError);
  });
});
