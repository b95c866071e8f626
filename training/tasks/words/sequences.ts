import { must } from '../../../protocol/must.ts';
import type { DrawSequence } from '../../../protocol/philox.ts';
import { numberAnswer } from '../checkers.ts';
import { defineWordTask, type WordQuestion } from './word-task.ts';

/** Numbers that are shown before the next one is asked for. */
const SHOWN = 4;

interface Sequence {
  readonly numbers: readonly number[];
  readonly question: WordQuestion;
}

function sequence(numbers: readonly number[], identity: string, steps: readonly string[]): Sequence {
  const question = {
    prompt: `What number comes next: ${numbers.slice(0, SHOWN).join(' ')}`,
    answer: String(must(numbers, SHOWN)),
    identity,
    steps,
  };
  return { numbers, question };
}

function difference(numbers: readonly number[], at: number): string {
  const [before, after] = [must(numbers, at), must(numbers, at + 1)];
  return `${after} - ${before} = ${after - before}.`;
}

/** A fixed step up or down. */
function fixedStep(draws: DrawSequence, mostStep: number): Sequence {
  const step = draws.integer(2, mostStep);
  const up = draws.uniform() < 0.7;
  const start = up ? draws.integer(1, 60) : 4 * step + draws.integer(0, 30);
  const numbers = Array.from({ length: SHOWN + 1 }, (_, at) => start + (up ? at : -at) * step);
  const [a, b, last] = [must(numbers, 0), must(numbers, 1), must(numbers, SHOWN - 1)];
  const steps = up
    ? [difference(numbers, 0), difference(numbers, 2), `${last} + ${step} = ${last + step}.`]
    : [`${a} - ${step} = ${b}.`, `${last} - ${step} = ${last - step}.`];
  return sequence(numbers, `step ${start} ${up ? '' : '-'}${step}`, steps);
}

/** Steps that grow by one and the same number. */
function growingStep(draws: DrawSequence): Sequence {
  const [start, first, growth] = [draws.integer(1, 20), draws.integer(1, 8), draws.integer(1, 4)];
  const numbers = [start];
  for (let at = 0; at < SHOWN; at++) numbers.push(must(numbers, at) + first + at * growth);
  const [lastStep, last] = [first + (SHOWN - 1) * growth, must(numbers, SHOWN - 1)];
  return sequence(numbers, `growing ${start} ${first} ${growth}`, [
    ...[0, 1, 2].map((at) => difference(numbers, at)),
    `The next step is ${lastStep}.`,
    `${last} + ${lastStep} = ${last + lastStep}.`,
  ]);
}

/** Each number is the sum of the two before it. */
function sumOfTwo(draws: DrawSequence): Sequence {
  const numbers = [draws.integer(1, 12), draws.integer(1, 12)];
  while (numbers.length <= SHOWN)
    numbers.push(must(numbers, numbers.length - 2) + must(numbers, numbers.length - 1));
  const [a, b, c, d, e] = [0, 1, 2, 3, 4].map((at) => must(numbers, at));
  return sequence(numbers, `sum ${a} ${b}`, [`${a} + ${b} = ${c}.`, `${c} + ${d} = ${e}.`]);
}

/** Each number is a multiple of the one before it. */
function multiples(draws: DrawSequence): Sequence {
  const [start, factor] = [draws.integer(1, 12), draws.integer(2, 4)];
  const numbers = Array.from({ length: SHOWN + 1 }, (_, at) => start * factor ** at);
  const [a, b, last, next] = [0, 1, SHOWN - 1, SHOWN].map((at) => must(numbers, at));
  return sequence(numbers, `times ${start} ${factor}`, [
    `${a} * ${factor} = ${b}.`,
    `${last} * ${factor} = ${next}.`,
  ]);
}

/** Every number that continues the shown ones by one of the rules here: `2 3 5 8` has two. */
function continuations(shown: readonly number[]): ReadonlySet<number> {
  const [a, b, c, d] = [0, 1, 2, 3].map((at) => must(shown, at)) as [number, number, number, number];
  const found = new Set<number>();
  if (c - b - (b - a) === d - c - (c - b)) found.add(d + (d - c) + (c - b - (b - a)));
  if (a + b === c && b + c === d) found.add(c + d);
  if (b % a === 0 && b * (b / a) === c && c * (b / a) === d) found.add(d * (b / a));
  return found;
}

/** `What number comes next: 3 7 11 15` Only one of the rules fits. */
export const sequences = defineWordTask({
  id: 'sequences',
  title: 'Continue a sequence of numbers',
  difficulties: ['a fixed step up to 9', 'a fixed step up to 25', 'growing steps, sums of two and multiples'],
  expect: numberAnswer,
  draw(draws, difficulty) {
    for (;;) {
      const drawn =
        difficulty < 2
          ? fixedStep(draws, difficulty === 0 ? 9 : 25)
          : draws.pick([growingStep, growingStep, sumOfTwo, multiples])(draws);
      if (continuations(drawn.numbers).size === 1) return drawn.question;
    }
  },
});
