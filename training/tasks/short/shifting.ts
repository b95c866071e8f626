import { drawWord, LETTERS } from './letters.ts';
import { defineShortTask } from './short-task.ts';

const LENGTHS = [5, 6, 7] as const;

/** `nxt abcdz` -> `bcdea`: each letter's successor in the alphabet, `a` after `z`. */
export const shifting = defineShortTask({
  id: 'shifting',
  title: 'Next letters',
  difficulties: LENGTHS.map((length) => `${length} letters`),
  byPlace: true,
  draw(draws, difficulty) {
    const word = drawWord(draws, LENGTHS[difficulty] ?? LENGTHS[0]);
    const answer = [...word].map((letter) => LETTERS.charAt((LETTERS.indexOf(letter) + 1) % LETTERS.length));
    return { prompt: `nxt ${word}`, answer: answer.join(''), identity: word };
  },
});
