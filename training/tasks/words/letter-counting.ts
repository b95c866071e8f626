import { must } from '../../../protocol/must.ts';
import { numberAnswer } from '../checkers.ts';
import { drawMadeUpWord } from './vocabulary.ts';
import { defineWordTask } from './word-task.ts';

const LENGTHS = [5, 8, 12, 16] as const;

/** How often a letter that is not in the word is asked for. */
const ABSENT = 0.1;

/** `How many times is the letter a in banana?` The solution counts along the word. */
export const letterCounting = defineWordTask({
  id: 'letter-counting',
  title: 'Count a letter in a word',
  difficulties: LENGTHS.map((length) => `${length} letters`),
  expect: numberAnswer,
  draw(draws, difficulty) {
    const word = drawMadeUpWord(draws, must(LENGTHS, difficulty));
    const letter = draws.uniform() < ABSENT ? draws.pick([...'cjvw']) : draws.pick([...word]);
    let count = 0;
    const counted = [...word].map((each) => {
      if (each !== letter) return each;
      count += 1;
      return `${each} ${count}`;
    });
    return {
      prompt: `How many times is the letter ${letter} in ${word}?`,
      answer: String(count),
      identity: `${word}/${letter}`,
      steps: [`${counted.join(' ')}.`],
    };
  },
});
