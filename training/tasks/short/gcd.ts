import { defineShortTask } from './short-task.ts';

const LIMITS = [30, 60, 99] as const;

/** Euclid's algorithm; both positive. */
function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/**
 * `gcd 12 18` -> `6`. The divisor is drawn first, from 2 up. Of two numbers drawn evenly, six in ten pairs
 * have the divisor 1, and a model would learn to always answer 1.
 */
export const gcd = defineShortTask({
  id: 'gcd',
  title: 'Greatest common divisor',
  difficulties: LIMITS.map((limit) => `two numbers up to ${limit}`),
  draw(draws, difficulty) {
    const limit = LIMITS[difficulty] ?? LIMITS[0];
    for (;;) {
      const divisor = draws.integer(2, Math.floor(limit / 3));
      const most = Math.floor(limit / divisor);
      const a = divisor * draws.integer(1, most);
      const b = divisor * draws.integer(1, most);
      if (a === b || greatestCommonDivisor(a, b) !== divisor) continue;
      return {
        prompt: `gcd ${a} ${b}`,
        answer: String(divisor),
        identity: `${Math.min(a, b)} ${Math.max(a, b)}`,
      };
    }
  },
});
