import { must } from '../../../protocol/must.ts';
import { listAnswer } from './expected-answers.ts';
import { defineWordTask } from './word-task.ts';

const SIZES = [2, 3, 4] as const;

/** The rows of a square after a quarter turn to the right. */
function turnedRight(rows: readonly string[]): readonly string[] {
  const below = rows.toReversed();
  return rows.map((_, column) => below.map((row) => row.charAt(column)).join(''));
}

/** All four positions of a square, the first one first. */
function positions(rows: readonly string[]): readonly (readonly string[])[] {
  const all = [rows];
  while (all.length < 4) all.push(turnedRight(must(all, all.length - 1)));
  return all;
}

/** `Turn the square 12 34 right.` A square in any of its four positions is one question. */
export const matrixRotation = defineWordTask({
  id: 'matrix-rotation',
  title: 'Turn a square of digits',
  difficulties: SIZES.map((size) => `${size} by ${size}${size === 2 ? ', right' : ', right or left'}`),
  expect: listAnswer,
  draw(draws, difficulty) {
    const size = must(SIZES, difficulty);
    const rows = Array.from({ length: size }, () =>
      Array.from({ length: size }, () => draws.integer(0, 9)).join(''),
    );
    const right = difficulty === 0 || draws.uniform() < 0.5;
    const turned = must(positions(rows), right ? 1 : 3);
    return {
      prompt: `Turn the square ${rows.join(' ')} ${right ? 'right' : 'left'}.`,
      answer: turned.join(' '),
      identity: must(
        positions(rows)
          .map((position) => position.join(' '))
          .sort(),
        0,
      ),
      steps: turned.map(
        (row, at) =>
          `Column ${right ? at + 1 : size - at} from ${right ? 'below' : 'above'} is ${[...row].join(' ')}.`,
      ),
    };
  },
});
