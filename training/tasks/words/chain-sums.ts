import { must } from '../../../protocol/must.ts';
import { numberAnswer } from '../checkers.ts';
import { defineWordTask } from './word-task.ts';

const LEVELS = [
  { terms: 3, most: 9 },
  { terms: 3, most: 30 },
  { terms: 4, most: 50 },
  { terms: 5, most: 99 },
] as const;

/** `What is 7 + 5 - 3?` No partial sum is negative. The order of the terms does not make another question. */
export const chainSums = defineWordTask({
  id: 'chain-sums',
  title: 'Sums and differences of several numbers',
  difficulties: LEVELS.map(({ terms, most }) => `${terms} numbers up to ${most}`),
  expect: numberAnswer,
  draw(draws, difficulty) {
    const { terms, most } = must(LEVELS, difficulty);
    let sum = draws.integer(1, most);
    const [parts, signed, steps] = [[String(sum)], [sum], [] as string[]];
    for (let term = 1; term < terms; term++) {
      const number = draws.integer(1, most);
      const plus = number > sum || draws.uniform() < 0.5;
      const next = plus ? sum + number : sum - number;
      const part = `${plus ? '+' : '-'} ${number}`;
      parts.push(part);
      signed.push(plus ? number : -number);
      steps.push(`${sum} ${part} = ${next}.`);
      sum = next;
    }
    return {
      prompt: `What is ${parts.join(' ')}?`,
      answer: String(sum),
      identity: signed.sort((a, b) => a - b).join(' '),
      steps,
    };
  },
});
