import { defineShortTask } from './short-task.ts';

const LENGTHS = [5, 6, 7] as const;

/** `cmp 40316` -> `59683`: what each digit lacks to nine. */
export const complementing = defineShortTask({
  id: 'complementing',
  title: 'Complement to nine',
  difficulties: LENGTHS.map((length) => `${length} digits`),
  byPlace: true,
  draw(draws, difficulty) {
    const length = LENGTHS[difficulty] ?? LENGTHS[0];
    const digits = Array.from({ length }, () => draws.integer(0, 9));
    const answer = digits.map((digit) => 9 - digit).join('');
    return { prompt: `cmp ${digits.join('')}`, answer, identity: digits.join('') };
  },
});
