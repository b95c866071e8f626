import { drawWord } from './letters.ts';
import { defineShortTask } from './short-task.ts';

const LENGTHS = [4, 6] as const;

/** `swp abcd` -> `badc`: the letters of each pair change places. */
export const swapping = defineShortTask({
  id: 'swapping',
  title: 'Swap letters in pairs',
  difficulties: LENGTHS.map((length) => `${length} letters`),
  byPlace: true,
  draw(draws, difficulty) {
    const word = drawWord(draws, LENGTHS[difficulty] ?? LENGTHS[0]);
    return { prompt: `swp ${word}`, answer: word.replace(/(.)(.)/g, '$2$1'), identity: word };
  },
});
