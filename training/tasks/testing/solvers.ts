/** Works out the answers of word tasks from their prompts alone, by other means than the generators. */

const WEEK = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

/** Numbers of a text, without signs. */
function numbersIn(text: string): number[] {
  return (text.match(/\d+/g) ?? []).map(Number);
}

/** The x for which both sides are equal, by trial. */
function solveByTrial(left: string, right: string): string {
  for (let x = -1000; x <= 1000; x++) {
    if (sumOf(left, x) === sumOf(right, x)) return String(x);
  }
  return 'none';
}

/** A sum of numbers, x and multiples of x. */
function sumOf(side: string, x = 0): number {
  const terms = side.replaceAll(' ', '').match(/[+-]?[^+-]+/g) ?? [];
  return terms.reduce((sum, term) => {
    const sign = term.startsWith('-') ? -1 : 1;
    const factors = term.replace(/^[+-]/, '').split('*');
    return (
      sum + sign * factors.reduce((product, factor) => product * (factor === 'x' ? x : Number(factor)), 1)
    );
  }, 0);
}

/** All numbers that a rule gives: a question with two is no question. */
function nextOf(numbers: readonly number[]): string {
  const [a = 0, b = 0, c = 0, d = 0] = numbers;
  const candidates = new Set<number>();
  if (b - a === c - b && c - b === d - c) candidates.add(d + (b - a));
  if (c === a + b && d === b + c) candidates.add(c + d);
  if (b * b === a * c && c * c === b * d) candidates.add((d * d) / c);
  if (c - 2 * b + a === d - 2 * c + b) candidates.add(3 * d - 3 * c + b);
  return [...candidates].join(' or ');
}

/** Daylight saving time does not matter: all dates are in UTC. */
function daysBetween(text: string): string {
  const [, start = '', from = '', end = '', to = ''] = /from (\d+) (\w+) to (\d+) (\w+),/.exec(text) ?? [];
  const day = (date: string, month: string) => Date.parse(`${date} ${month} 2023 00:00 UTC`);
  return String((day(end, to) - day(start, from)) / 86_400_000);
}

export const SOLVERS: Readonly<Record<string, (prompt: string) => string>> = {
  'chain-sums': (prompt) => String(sumOf(prompt.slice('What is '.length, -1))),
  stories(prompt) {
    const [told = ''] = prompt.split(' How many');
    const sentences = told.split('.').filter((sentence) => sentence !== '');
    const total = sentences.reduce((has, sentence) => {
      const [a = 0, b = 1] = numbersIn(sentence);
      if (sentence.includes(' has ')) return a * b;
      return /gets|finds|buys/.test(sentence) ? has + a : has - a;
    }, 0);
    return String(total);
  },
  'spell-backward': (prompt) => [...(prompt.split(' ')[1] ?? '')].reduce((back, letter) => letter + back, ''),
  'letter-counting'(prompt) {
    const [, letter = '', word = ''] = /letter (\w) in (\w+)\?/.exec(prompt) ?? [];
    return String(word.split(letter).length - 1);
  },
  'sort-numbers'(prompt) {
    const numbers = numbersIn(prompt.split(':')[1] ?? '');
    const sorted: number[] = [];
    while (numbers.length > 0) {
      const next = prompt.includes('low to high') ? Math.min(...numbers) : Math.max(...numbers);
      sorted.push(...numbers.splice(numbers.indexOf(next), 1));
    }
    return sorted.join(' ');
  },
  sequences: (prompt) => nextOf(numbersIn(prompt)),
  remainders(prompt) {
    let [number = 0, divisor = 1] = numbersIn(prompt);
    while (number >= divisor) number -= divisor;
    return String(number);
  },
  calendar(prompt) {
    if (prompt.startsWith('How many days')) return daysBetween(prompt);
    const start = WEEK.findIndex((day) => prompt.startsWith(`Today is ${day}`));
    const [days = 0] = numbersIn(prompt);
    const index = start + (prompt.endsWith('ago?') ? -days : days);
    return WEEK[((index % 7) + 7) % 7] ?? '';
  },
  equations(prompt) {
    const [left = '', right = ''] = prompt.slice('Solve '.length, -' for x.'.length).split('=');
    return solveByTrial(left, right);
  },
};
