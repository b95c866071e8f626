import { must } from '../../../protocol/must.ts';
import { numberAnswer } from '../checkers.ts';
import { defineWordTask } from './word-task.ts';

const LEVELS = [
  { most: 80, divisors: [3, 9] },
  { most: 100, divisors: [3, 12] },
  { most: 999, divisors: [6, 25] },
] as const;

/** `What is 47 mod 6?` */
export const remainders = defineWordTask({
  id: 'remainders',
  title: 'Remainders',
  difficulties: LEVELS.map(
    ({ most, divisors: [low, high] }) => `numbers up to ${most}, divided by ${low} to ${high}`,
  ),
  expect: numberAnswer,
  draw(draws, difficulty) {
    const { most, divisors } = must(LEVELS, difficulty);
    const divisor = draws.integer(divisors[0], divisors[1]);
    const number = draws.integer(divisor + 1, most);
    const times = Math.floor(number / divisor);
    const rest = number % divisor;
    return {
      prompt: `What is ${number} mod ${divisor}?`,
      answer: String(rest),
      identity: `${number} ${divisor}`,
      steps: [`${divisor} * ${times} = ${divisor * times}.`, `${number} - ${divisor * times} = ${rest}.`],
    };
  },
});
