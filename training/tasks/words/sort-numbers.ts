import { must } from '../../../protocol/must.ts';
import { listAnswer } from './expected-answers.ts';
import { defineWordTask } from './word-task.ts';

const LEVELS = [
  { count: 3, most: 20 },
  { count: 4, most: 50 },
  { count: 6, most: 99 },
  { count: 8, most: 999 },
] as const;

/**
 * `Sort these numbers from low to high: 8 3 5` Orders and directions of the same numbers are one question.
 */
export const sortNumbers = defineWordTask({
  id: 'sort-numbers',
  title: 'Sort numbers',
  difficulties: LEVELS.map(({ count, most }) => `${count} numbers up to ${most}`),
  expect: listAnswer,
  draw(draws, difficulty) {
    const { count, most } = must(LEVELS, difficulty);
    const numbers = new Set<number>();
    while (numbers.size < count) numbers.add(draws.integer(1, most));
    const rising = [...numbers].sort((a, b) => a - b);
    const up = difficulty === 0 || draws.uniform() < 0.5;
    const sorted = up ? rising : rising.toReversed();
    const [first = 0, ...others] = sorted;
    return {
      prompt: `Sort these numbers from ${up ? 'low to high' : 'high to low'}: ${[...numbers].join(' ')}`,
      answer: sorted.join(' '),
      identity: rising.join(' '),
      steps: [`The ${up ? 'lowest' : 'highest'} is ${first}.`, `Then ${others.join(', then ')}.`],
    };
  },
});
