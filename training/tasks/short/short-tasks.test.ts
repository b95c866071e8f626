import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SHORT_TASKS } from '../catalogue.ts';
import { shareOf } from '../held-out-split.ts';
import type { Task, TaskItem } from '../task.ts';
import { MAX_ANSWER_LENGTH, MAX_PROMPT_LENGTH } from './short-task.ts';

/** Works the answer out of the prompt's text alone, by other means than the generator's. */
function solve(prompt: string): string {
  const [verb = '', first = '', second = ''] = prompt.split(' ');
  if (verb.includes('+')) return String(verb.split('+').reduce((sum, term) => sum + Number(term), 0));
  if (verb === 'sort') {
    return [...first].sort((a, b) => Number(a) - Number(b)).join('');
  }
  if (verb === 'rot') return first.replace(/^(.)(.*)$/, '$2$1');
  if (verb === 'nxt')
    return [...first].map((x) => (x === 'z' ? 'a' : String.fromCharCode(x.charCodeAt(0) + 1))).join('');
  if (verb === 'swp') return [...first].map((_, at) => first.charAt(at % 2 === 0 ? at + 1 : at - 1)).join('');
  if (verb === 'cmp') return String(10 ** first.length - 1 - Number(first)).padStart(first.length, '0');
  if (verb === 'rev') return [...first].reduce((reversed, letter) => letter + reversed, '');
  const [a, b] = [Number(first), Number(second)];
  for (let divisor = Math.min(a, b); ; divisor--) {
    if (a % divisor === 0 && b % divisor === 0) return String(divisor);
  }
}

const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });
const indices = fc.integer({ min: 0, max: 0xffffffff });

function itemsOf(task: Task): fc.Arbitrary<TaskItem> {
  return fc
    .record({
      seed: seeds,
      index: indices,
      difficulty: fc.integer({ min: 0, max: task.difficulties.length - 1 }),
      share: fc.constantFrom('training' as const, 'held-out' as const),
    })
    .map((options) => task.sample(options));
}

describe.each(SHORT_TASKS.map((task) => [task.id, task] as const))('%s', (_, task) => {
  it('accepts the answer that the prompt asks for and no other text', () => {
    fc.assert(
      fc.property(itemsOf(task), fc.string({ maxLength: 12 }), (item, text) => {
        const answer = solve(item.prompt);
        expect(item.answer).toBe(answer);
        expect(item.check(answer)).toBe(1);
        expect(item.check(text) === 1).toBe(text === answer);
        for (const wrong of [`${answer} `, ` ${answer}`, answer.slice(1), `${answer}0`, '']) {
          expect(item.check(wrong)).toBe(0);
        }
        const changed = answer.slice(0, -1) + (answer.endsWith('1') ? '2' : '1');
        if (changed !== answer) {
          expect(item.check(changed)).toBeLessThanOrEqual(0.5);
        }
      }),
    );
  });

  it('gives every place of the right answer full credit, where it gives credit by place', () => {
    fc.assert(
      fc.property(itemsOf(task), fc.string({ maxLength: 10 }), (item, text) => {
        const credits = item.credits(item.answer);
        expect(credits === undefined).toBe(task.id === 'sums' || task.id === 'gcd');
        if (credits === undefined) return;
        expect(credits).toEqual(new Array(item.answer.length + 1).fill(1));
        const whole = item.credits(text)?.every((credit) => credit === 1);
        expect(whole).toBe(text === item.answer);
      }),
    );
  });

  it('keeps prompts and answers within their limits', () => {
    fc.assert(
      fc.property(itemsOf(task), (item) => {
        expect(item.prompt.length).toBeLessThanOrEqual(MAX_PROMPT_LENGTH);
        expect(item.answer.length).toBeLessThanOrEqual(MAX_ANSWER_LENGTH);
        expect(item.answer.length).toBeGreaterThan(0);
      }),
    );
  });

  it('gives the same item for the same seed and index, in the share asked for', () => {
    fc.assert(
      fc.property(
        seeds,
        indices,
        fc.constantFrom('training' as const, 'held-out' as const),
        (seed, index, share) => {
          const once = task.sample({ seed, index, difficulty: 1, share });
          const again = task.sample({ seed, index, difficulty: 1, share });
          expect(again.prompt).toBe(once.prompt);
          expect(shareOf(task.id, once.identity)).toBe(share);
        },
      ),
    );
  });

  it('has no answer so frequent that always giving it would pay', () => {
    const seed = new Uint8Array(32).fill(5);
    for (let difficulty = 0; difficulty < task.difficulties.length; difficulty++) {
      const counts = new Map<string, number>();
      for (let index = 0; index < 1000; index++) {
        const { answer } = task.sample({ seed, index, difficulty });
        counts.set(answer, (counts.get(answer) ?? 0) + 1);
      }
      // Per task and difficulty, the modal answer: 27 % at most (gcd).
      expect(Math.max(...counts.values()) / 1000).toBeLessThan(0.3);
    }
  });

  it('never gives a held-out question to training, in any order of its operands', () => {
    const seen = new Set<string>();
    const stream = { seed: new Uint8Array(32).fill(9), difficulty: task.difficulties.length - 1 };
    for (let index = 0; index < 2000; index++) seen.add(task.sample({ ...stream, index }).identity);
    const held = new Set<string>();
    for (let index = 0; index < 2000; index++) {
      held.add(task.sample({ ...stream, index, share: 'held-out' }).identity);
    }
    expect([...held].filter((identity) => seen.has(identity))).toEqual([]);
  });

  it('refuses a difficulty that it does not have', () => {
    expect(() => task.sample({ seed: new Uint8Array(32), index: 0, difficulty: 9 })).toThrow(RangeError);
  });
});
