import { must } from '../../../protocol/must.ts';
import type { DrawSequence } from '../../../protocol/philox.ts';
import { numberAnswer } from '../checkers.ts';
import { wordAnswer } from './expected-answers.ts';
import { WEEKDAYS } from './vocabulary.ts';
import { defineWordTask, type WordQuestion } from './word-task.ts';

const MONTHS = [
  ['January', 31],
  ['February', 28],
  ['March', 31],
  ['April', 30],
  ['May', 31],
  ['June', 30],
  ['July', 31],
  ['August', 31],
  ['September', 30],
  ['October', 31],
  ['November', 30],
  ['December', 31],
] as const;

function weekday(start: number, days: number): string {
  return must(WEEKDAYS, (((start + days) % 7) + 7) % 7);
}

/** What remains of the days after whole weeks is counted along the week. */
function shifted(draws: DrawSequence, most: number, both: boolean): WordQuestion {
  const start = draws.integer(0, 6);
  const days = draws.integer(1, most);
  const back = both && draws.uniform() < 0.5;
  const rest = days % 7;
  const passed = Array.from({ length: rest + 1 }, (_, at) => weekday(start, back ? -at : at));
  const weeks = days < 7 ? [] : [`${days} mod 7 = ${rest}.`];
  return {
    prompt: `Today is ${weekday(start, 0)}. What day ${back ? `was it ${days} days ago` : `is it in ${days} days`}?`,
    answer: weekday(start, back ? -days : days),
    identity: `${start} ${back ? '-' : '+'}${days}`,
    steps: [...weeks, `${passed.join(', ')}.`],
  };
}

/** From a day of one month to a day of the next but one at most. The year is no leap year. */
function between(draws: DrawSequence): WordQuestion {
  const first = draws.integer(0, 10);
  const second = Math.min(11, first + draws.integer(1, 2));
  const [[from, length], [to]] = [must(MONTHS, first), must(MONTHS, second)];
  const [start, end] = [draws.integer(1, length), draws.integer(1, must(MONTHS, second)[1])];
  let days = length - start;
  const steps = [`${from} has ${length} days.`, `${length} - ${start} = ${days}.`];
  for (let month = first + 1; month < second; month++) {
    const [name, whole] = must(MONTHS, month);
    steps.push(`${name} has ${whole} days.`, `${days} + ${whole} = ${days + whole}.`);
    days += whole;
  }
  steps.push(`${days} + ${end} = ${days + end}.`);
  return {
    prompt: `How many days is it from ${start} ${from} to ${end} ${to}, in a year of 365 days?`,
    answer: String(days + end),
    identity: `${start} ${from} ${end} ${to}`,
    steps,
    expected: numberAnswer(String(days + end)),
  };
}

/** `Today is Monday. What day is it in 10 days?` */
export const calendar = defineWordTask({
  id: 'calendar',
  title: 'Weekdays and days of the year',
  difficulties: [
    'a weekday in up to 40 days',
    'a weekday in or before up to 99 days',
    'days between two dates',
  ],
  expect: wordAnswer,
  draw(draws, difficulty) {
    if (difficulty === 2) return between(draws);
    return difficulty === 0 ? shifted(draws, 40, false) : shifted(draws, 99, true);
  },
});
