/** The words that questions are made of. They are few and shared, so that a small model can learn them. */
import type { DrawSequence } from '../../../protocol/philox.ts';

export const NAMES = ['Ann', 'Ben', 'Cal', 'Dora', 'Eva', 'Finn', 'Gus', 'Hana'] as const;

/** In the plural. */
export const THINGS = ['apples', 'books', 'cards', 'coins', 'eggs', 'pens'] as const;

/** Words for lists. */
export const LIST_WORDS = [
  ...['bird', 'boat', 'book', 'card', 'cat', 'coin', 'cup', 'day', 'dog', 'door', 'egg', 'fish'],
  ...['hat', 'hill', 'key', 'lamp', 'leaf', 'moon', 'pen', 'rain', 'ring', 'road', 'ship', 'star'],
] as const;

export const WEEKDAYS = [
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
  'Sunday',
] as const;

const CONSONANTS = 'bdfgklmnprst';
const VOWELS = 'aeiou';
const LETTERS_IN_TURN = 3;

/**
 * A made-up word of `length` letters, consonants and vowels in turn. It has few different letters, so that
 * letters repeat.
 */
export function drawMadeUpWord(draws: DrawSequence, length: number): string {
  const some = (letters: string) => draws.shuffle([...letters]).slice(0, LETTERS_IN_TURN);
  const [consonants, vowels] = [some(CONSONANTS), some(VOWELS)];
  const first = draws.integer(0, 1);
  return Array.from({ length }, (_, at) => draws.pick((at + first) % 2 === 0 ? consonants : vowels)).join('');
}
