import { defineTask } from './task.ts';

const LENGTHS = [5, 6, 7] as const;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** `rev abcde` -> `edcba`. A word and its reverse are one question. */
export const reversing = defineTask({
  name: 'reversing',
  difficulties: LENGTHS.map((length) => `${length} letters`),
  byPlace: true,
  draw(draws, difficulty) {
    const length = LENGTHS[difficulty] ?? LENGTHS[0];
    const letters = Array.from({ length }, () => LETTERS.charAt(draws.integer(0, LETTERS.length - 1)));
    const word = letters.join('');
    const answer = letters.toReversed().join('');
    return { prompt: `rev ${word}`, answer, identity: [word, answer].sort().join('|') };
  },
});
