import type { DrawSequence } from '../../../protocol/philox.ts';
import { extractAnswer, WORD_RULES } from '../answer-extraction.ts';
import { type ExpectedAnswer, explainWrong, numberAnswer } from '../checkers.ts';
import { defineWordTask, type WordQuestion } from './word-task.ts';

const HOUR = 60;
const DAY = 24 * HOUR;

/** `9:05` of minutes since midnight. */
function timeText(minutes: number): string {
  const rest = minutes % HOUR;
  return `${Math.floor(minutes / HOUR)}:${rest < 10 ? '0' : ''}${rest}`;
}

/** Minutes since midnight of a text such as `9:05` or `09:05`. Undefined for any other. */
function minutesOf(text: string): number | undefined {
  const [, hours, minutes] = /^([0-9]{1,2})[:.]([0-9]{2})$/.exec(text) ?? [];
  const since = Number(hours) * HOUR + Number(minutes);
  return Number(hours) < 24 && Number(minutes) < HOUR ? since : undefined;
}

/** A time of day with 24 hours. A leading zero and a full stop for the colon do not matter. */
function timeAnswer(answer: string): ExpectedAnswer {
  const wanted = minutesOf(answer);
  return {
    extract: (text) => extractAnswer(text, WORD_RULES),
    accepts: (given) => minutesOf(given) === wanted,
    explain: (given) => explainWrong(given, answer),
  };
}

/** Adds minutes of the same hour, or over its end. */
function later(draws: DrawSequence, most: number): WordQuestion {
  const [start, minutes] = [draws.integer(0, DAY - most - 1), draws.integer(1, most)];
  const [hour, past] = [Math.floor(start / HOUR), start % HOUR];
  const sum = past + minutes;
  const carried = Math.floor(sum / HOUR);
  const rest = sum % HOUR;
  const carry =
    carried === 0
      ? []
      : [`${sum} - ${carried * HOUR} = ${rest}.`, `${hour} + ${carried} = ${hour + carried}.`];
  return {
    prompt: `It is ${timeText(start)}. What time is it in ${minutes} minutes?`,
    answer: timeText(start + minutes),
    identity: `${start} ${start + minutes}`,
    steps: [`${past} + ${minutes} = ${sum}.`, ...carry],
  };
}

/** Minutes between two times of the same day. */
function between(draws: DrawSequence): WordQuestion {
  const start = draws.integer(0, DAY - 5 * HOUR);
  const end = start + draws.integer(20, 5 * HOUR - 1);
  const [startHour, startPast] = [Math.floor(start / HOUR), start % HOUR];
  const [endHour, endPast] = [Math.floor(end / HOUR), end % HOUR];
  const hours = endHour - startHour;
  const minutes = hours * HOUR;
  return {
    prompt: `How many minutes is it from ${timeText(start)} to ${timeText(end)}?`,
    answer: String(end - start),
    identity: `${start} ${end}`,
    steps: [
      `${endHour} - ${startHour} = ${hours}.`,
      `${hours} * ${HOUR} = ${minutes}.`,
      `${minutes} + ${endPast} = ${minutes + endPast}.`,
      `${minutes + endPast} - ${startPast} = ${end - start}.`,
    ],
    expected: numberAnswer(String(end - start)),
  };
}

/** `It is 9:40. What time is it in 35 minutes?` The same two times are one question. */
export const clock = defineWordTask({
  id: 'clock',
  title: 'Times of day',
  difficulties: ['up to 40 minutes later', 'up to 5 hours later, in minutes', 'minutes between two times'],
  expect: timeAnswer,
  draw(draws, difficulty) {
    if (difficulty === 2) return between(draws);
    return later(draws, difficulty === 0 ? 40 : 5 * HOUR);
  },
});
