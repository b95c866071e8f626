import { drawWord } from './letters.ts';
import { defineShortTask } from './short-task.ts';

const LENGTHS = [5, 6, 7] as const;

/** `rot abcde` -> `bcdea`. */
export const rotating = defineShortTask({
  id: 'rotating',
  title: 'Rotate a word',
  difficulties: LENGTHS.map((length) => `${length} letters`),
  byPlace: true,
  draw(draws, difficulty) {
    const word = drawWord(draws, LENGTHS[difficulty] ?? LENGTHS[0]);
    return { prompt: `rot ${word}`, answer: word.slice(1) + word.charAt(0), identity: word };
  },
});
