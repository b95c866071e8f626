import { must } from '../../../protocol/must.ts';
import { wordAnswer } from './expected-answers.ts';
import { drawMadeUpWord } from './vocabulary.ts';
import { defineWordTask } from './word-task.ts';

const LENGTHS = [4, 6, 8, 11] as const;

/**
 * `Spell tabel backward.` A word and its reverse are one question. A word that reads the same is drawn too.
 */
export const spellBackward = defineWordTask({
  id: 'spell-backward',
  title: 'Spell a word backward',
  difficulties: LENGTHS.map((length) => `${length} letters`),
  expect: wordAnswer,
  draw(draws, difficulty) {
    const word = drawMadeUpWord(draws, must(LENGTHS, difficulty));
    const backward = [...word].reverse();
    return {
      prompt: `Spell ${word} backward.`,
      answer: backward.join(''),
      identity: [word, backward.join('')].sort().join('|'),
      steps: [`${[...word].join(' ')}.`, `${backward.join(' ')}.`],
    };
  },
});
