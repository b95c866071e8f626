import type { DrawSequence } from '../../../protocol/philox.ts';

export const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** A word of `length` letters, each drawn evenly. */
export function drawWord(draws: DrawSequence, length: number): string {
  return Array.from({ length }, () => LETTERS.charAt(draws.integer(0, LETTERS.length - 1))).join('');
}
