import { defineShortTask } from './short-task.ts';

const RANGES = [
  [1, 20],
  [1, 49],
  [10, 99],
] as const;

/** `17+5` -> `22`. */
export const sums = defineShortTask({
  id: 'sums',
  title: 'Sums',
  difficulties: RANGES.map(([low, high]) => `two numbers from ${low} to ${high}`),
  draw(draws, difficulty) {
    const [low, high] = RANGES[difficulty] ?? RANGES[0];
    const a = draws.integer(low, high);
    const b = draws.integer(low, high);
    return {
      prompt: `${a}+${b}`,
      answer: String(a + b),
      identity: `${Math.min(a, b)}+${Math.max(a, b)}`,
    };
  },
});
