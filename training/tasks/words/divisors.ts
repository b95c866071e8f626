import type { DrawSequence } from '../../../protocol/philox.ts';
import { numberAnswer } from '../checkers.ts';
import { defineWordTask, type WordQuestion } from './word-task.ts';

interface Euclid {
  readonly divisor: number;
  readonly steps: readonly string[];
}

/** Euclid's algorithm with remainders. `a` is at least `b`. */
function euclid(a: number, b: number): Euclid {
  const steps: string[] = [];
  let [larger, smaller] = [a, b];
  while (smaller > 0) {
    steps.push(`${larger} mod ${smaller} = ${larger % smaller}.`);
    [larger, smaller] = [smaller, larger % smaller];
  }
  return { divisor: larger, steps };
}

/** Two numbers with a common divisor of at least 2, most of the time. */
function pair(draws: DrawSequence, most: number): readonly [larger: number, smaller: number] {
  for (;;) {
    const factor = draws.integer(1, Math.floor(most / 3));
    const [a, b] = [draws.integer(1, Math.floor(most / factor)), draws.integer(1, Math.floor(most / factor))];
    if (a === b) continue;
    return [factor * Math.max(a, b), factor * Math.min(a, b)];
  }
}

function divisorOf(draws: DrawSequence, most: number): WordQuestion {
  const [a, b] = pair(draws, most);
  const { divisor, steps } = euclid(a, b);
  const [first, second] = draws.shuffle([a, b]);
  return {
    prompt: `What is the greatest common divisor of ${first} and ${second}?`,
    answer: String(divisor),
    identity: `${b} ${a}`,
    steps,
  };
}

function multipleOf(draws: DrawSequence, most: number): WordQuestion {
  const [a, b] = pair(draws, most);
  const { divisor, steps } = euclid(a, b);
  const [first, second] = draws.shuffle([a, b]);
  return {
    prompt: `What is the least common multiple of ${first} and ${second}?`,
    answer: String((a * b) / divisor),
    identity: `${b} ${a}`,
    steps: [...steps, `${a} / ${divisor} = ${a / divisor}.`, `${a / divisor} * ${b} = ${(a * b) / divisor}.`],
  };
}

/** Divisors and multiples of the same two numbers are one question. */
export const divisors = defineWordTask({
  id: 'divisors',
  title: 'Common divisors and multiples',
  difficulties: [
    'divisors of numbers up to 40',
    'multiples of numbers up to 40',
    'multiples of numbers up to 250',
  ],
  expect: numberAnswer,
  draw(draws, difficulty) {
    return difficulty === 0 ? divisorOf(draws, 40) : multipleOf(draws, difficulty === 1 ? 40 : 250);
  },
});
