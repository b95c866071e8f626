import { must } from '../../../protocol/must.ts';
import type { DrawSequence } from '../../../protocol/philox.ts';
import { numberAnswer } from '../checkers.ts';
import { listAnswer } from './expected-answers.ts';
import { defineWordTask, type WordQuestion } from './word-task.ts';

const LEVELS = [
  { bases: [2, 3], most: 63 },
  { bases: [2, 4], most: 255 },
  { bases: [2, 6], most: 1999 },
] as const;

/** Divides until nothing is left. The digits are the remainders, the last one first. */
function toBase(number: number, base: number, identity: string): WordQuestion {
  const steps: string[] = [];
  for (let left = number; left > 0; left = Math.floor(left / base)) {
    steps.push(`${left}: ${Math.floor(left / base)} rest ${left % base}.`);
  }
  return { prompt: `Write ${number} in base ${base}.`, answer: number.toString(base), identity, steps };
}

/** Takes the digits from the left: times the base, plus the next digit. */
function fromBase(number: number, base: number, identity: string): WordQuestion {
  const digits = number.toString(base);
  let sum = Number(digits.charAt(0));
  const steps = [`${sum}.`];
  for (const digit of digits.slice(1)) {
    const next = sum * base + Number(digit);
    steps.push(`${sum} * ${base} + ${digit} = ${next}.`);
    sum = next;
  }
  return {
    prompt: `Write the base ${base} number ${digits} in base 10.`,
    answer: String(number),
    identity,
    steps,
    expected: numberAnswer(String(number)),
  };
}

function convert(draws: DrawSequence, difficulty: number): WordQuestion {
  const { bases, most } = must(LEVELS, difficulty);
  const base = draws.integer(bases[0], bases[1]);
  const number = draws.integer(base, most);
  const identity = `${number} ${base}`;
  return (draws.uniform() < 0.5 ? toBase : fromBase)(number, base, identity);
}

/** `Write 13 in base 2.` Both directions between the same two numerals are one question. */
export const baseConversion = defineWordTask({
  id: 'base-conversion',
  title: 'Write numbers in other bases',
  difficulties: LEVELS.map(({ bases, most }) => `bases ${bases[0]} to ${bases[1]}, up to ${most}`),
  // As text: a numeral of another base is no decimal number.
  expect: listAnswer,
  draw: convert,
});
