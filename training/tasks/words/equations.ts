import type { DrawSequence } from '../../../protocol/philox.ts';
import { numberAnswer } from '../checkers.ts';
import { defineWordTask, type WordQuestion } from './word-task.ts';

function sum(draws: DrawSequence): WordQuestion {
  const [x, a] = [draws.integer(1, 30), draws.integer(1, 30)];
  const plus = a > x || draws.uniform() < 0.5;
  const right = plus ? x + a : x - a;
  return {
    prompt: `Solve x ${plus ? '+' : '-'} ${a} = ${right} for x.`,
    answer: String(x),
    identity: `1 ${plus ? a : -a} 0 ${right}`,
    steps: [`x = ${right} ${plus ? '-' : '+'} ${a}.`],
  };
}

function linear(draws: DrawSequence): WordQuestion {
  const [x, factor, a] = [draws.integer(2, 12), draws.integer(2, 9), draws.integer(1, 20)];
  const plus = a > x * factor || draws.uniform() < 0.5;
  const right = plus ? factor * x + a : factor * x - a;
  return {
    prompt: `Solve ${factor} * x ${plus ? '+' : '-'} ${a} = ${right} for x.`,
    answer: String(x),
    identity: `${factor} ${plus ? a : -a} 0 ${right}`,
    steps: [`${right} ${plus ? '-' : '+'} ${a} = ${factor * x}.`, `${factor * x} / ${factor} = ${x}.`],
  };
}

/** The unknown on both sides, more of it on the left. */
function twoSides(draws: DrawSequence): WordQuestion {
  const [x, less, more] = [draws.integer(2, 15), draws.integer(2, 6), draws.integer(2, 6)];
  const [factor, a] = [less + more, draws.integer(1, 30)];
  const right = more * x + a;
  return {
    prompt: `Solve ${factor} * x + ${a} = ${less} * x + ${right} for x.`,
    answer: String(x),
    identity: `${factor} ${a} ${less} ${right}`,
    steps: [
      `${factor} - ${less} = ${more}.`,
      `${right} - ${a} = ${more * x}.`,
      `${more * x} / ${more} = ${x}.`,
    ],
  };
}

/** `Solve 3 * x + 4 = 19 for x.` */
export const equations = defineWordTask({
  id: 'equations',
  title: 'Equations with one unknown',
  difficulties: ['x plus or minus a number', 'a multiple of x and a number', 'x on both sides'],
  expect: numberAnswer,
  draw: (draws, difficulty) => (difficulty === 0 ? sum : difficulty === 1 ? linear : twoSides)(draws),
});
