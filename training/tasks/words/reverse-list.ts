import { must } from '../../../protocol/must.ts';
import { listAnswer } from './expected-answers.ts';
import { LIST_WORDS } from './vocabulary.ts';
import { defineWordTask } from './word-task.ts';

const COUNTS = [3, 4, 6, 8] as const;

/** `Reverse this list: cat dog bird` A list and its reverse are one question. */
export const reverseList = defineWordTask({
  id: 'reverse-list',
  title: 'Reverse a list of words',
  difficulties: COUNTS.map((count) => `${count} words`),
  expect: listAnswer,
  draw(draws, difficulty) {
    const words = draws.shuffle(LIST_WORDS).slice(0, must(COUNTS, difficulty));
    const reversed = words.toReversed();
    const [last, ...others] = reversed;
    return {
      prompt: `Reverse this list: ${words.join(' ')}`,
      answer: reversed.join(' '),
      identity: [words.join(' '), reversed.join(' ')].sort().join('|'),
      steps: [`The last is ${last}.`, `Then ${others.join(', then ')}.`],
    };
  },
});
