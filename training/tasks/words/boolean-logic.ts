import { must } from '../../../protocol/must.ts';
import type { DrawSequence } from '../../../protocol/philox.ts';
import { choiceAnswer } from '../checkers.ts';
import { defineWordTask } from './word-task.ts';

const LEAVES = [3, 4, 6] as const;

interface Expression {
  readonly text: string;
  readonly value: boolean;
  /** One sentence for each operation, the innermost first. */
  readonly steps: readonly string[];
}

function leaf(draws: DrawSequence): Expression {
  const stated = draws.uniform() < 0.5;
  const word = String(stated);
  if (draws.uniform() < 0.6) return { text: word, value: stated, steps: [] };
  return { text: `not ${word}`, value: !stated, steps: [`not ${word} is ${!stated}.`] };
}

/** An expression with that many leaves. The larger sides stand in brackets. */
function expression(draws: DrawSequence, leaves: number): Expression {
  if (leaves === 1) return leaf(draws);
  const left = draws.integer(1, leaves - 1);
  const [a, b] = [expression(draws, left), expression(draws, leaves - left)];
  const and = draws.uniform() < 0.5;
  const value = and ? a.value && b.value : a.value || b.value;
  const side = (part: Expression, count: number) => (count === 1 ? part.text : `(${part.text})`);
  const operator = and ? 'and' : 'or';
  return {
    text: `${side(a, left)} ${operator} ${side(b, leaves - left)}`,
    value,
    steps: [...a.steps, ...b.steps, `${a.value} ${operator} ${b.value} is ${value}.`],
  };
}

/** `What is (true or false) and not true?` */
export const booleanLogic = defineWordTask({
  id: 'boolean-logic',
  title: 'True and false',
  difficulties: LEAVES.map((leaves) => `${leaves} values`),
  expect: (answer) => choiceAnswer(answer, ['true', 'false']),
  draw(draws, difficulty) {
    const { text, value, steps } = expression(draws, must(LEAVES, difficulty));
    return { prompt: `What is ${text}?`, answer: String(value), identity: text, steps };
  },
});
