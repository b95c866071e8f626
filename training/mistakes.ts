/** Wrong answers that look right. The judge and correct forms are trained and evaluated on them. */
import type { DrawSequence } from '../protocol/philox.ts';

const DIGITS = '0123456789';
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

function replaced(text: string, at: number, by: string): string {
  return text.slice(0, at) + by + text.slice(at + 1);
}

/**
 * A text near `answer`: one character changed, two neighbours swapped, or one left out. Never equal to it or
 * empty.
 */
export function mistake(answer: string, draws: DrawSequence): string {
  for (;;) {
    const kind = draws.uniform();
    const at = draws.integer(0, answer.length - 1);
    const alphabet = DIGITS.includes(answer.charAt(at)) ? DIGITS : LETTERS;
    const changed = replaced(answer, at, draws.pick([...alphabet]));
    const swapped = replaced(replaced(answer, at, answer.charAt(at + 1)), at + 1, answer.charAt(at));
    const shortened = replaced(answer, at, '');
    const last = at === answer.length - 1;
    const text = kind < 0.5 ? changed : kind < 0.8 ? (last ? changed : swapped) : shortened;
    if (text !== answer && text !== '') return text;
  }
}
