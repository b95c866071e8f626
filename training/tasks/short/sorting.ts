import { defineShortTask } from './short-task.ts';

const LENGTHS = [6, 7, 8] as const;

/**
 * `sort 403126` -> `012346`. The identity is the answer: any order of the same digits is the same question.
 */
export const sorting = defineShortTask({
  id: 'sorting',
  title: 'Sort digits',
  difficulties: LENGTHS.map((length) => `${length} digits`),
  byPlace: true,
  draw(draws, difficulty) {
    const length = LENGTHS[difficulty] ?? LENGTHS[0];
    const digits = Array.from({ length }, () => String(draws.integer(0, 9)));
    const answer = [...digits].sort().join('');
    return { prompt: `sort ${digits.join('')}`, answer, identity: answer };
  },
});
