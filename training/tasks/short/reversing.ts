import { drawWord } from './letters.ts';
import { defineShortTask } from './short-task.ts';

const LENGTHS = [5, 6, 7] as const;

/** `rev abcde` -> `edcba`. A word and its reverse are one question. */
export const reversing = defineShortTask({
  id: 'reversing',
  title: 'Reverse a word',
  difficulties: LENGTHS.map((length) => `${length} letters`),
  byPlace: true,
  draw(draws, difficulty) {
    const word = drawWord(draws, LENGTHS[difficulty] ?? LENGTHS[0]);
    const answer = [...word].reverse().join('');
    return { prompt: `rev ${word}`, answer, identity: [word, answer].sort().join('|') };
  },
});
