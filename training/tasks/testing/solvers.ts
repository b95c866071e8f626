/** Works out the answers of word tasks from their prompts alone, by other means than the generators. */

const WEEK = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

/** Numbers of a text, without signs. */
function numbersIn(text: string): number[] {
  return (text.match(/\d+/g) ?? []).map(Number);
}

/** Runs of digits, with their leading zeros. */
function numbersText(text: string): readonly string[] {
  return text.match(/\d+/g) ?? [];
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

function divisorsOf(number: number): number[] {
  return Array.from({ length: number }, (_, at) => at + 1).filter((divisor) => number % divisor === 0);
}

/** The value of digits in a base, by adding up the places from the right. */
function placeValue(digits: string, base: number): number {
  return [...digits].reverse().reduce((sum, digit, place) => sum + Number(digit) * base ** place, 0);
}

/** The digits in a base, from the highest power down. */
function digitsOf(number: number, base: number): string {
  let power = 1;
  while (power * base <= number) power *= base;
  let [left, text] = [number, ''];
  for (; power >= 1; power /= base) {
    let digit = 0;
    for (; left >= power; left -= power) digit += 1;
    text += digit;
  }
  return text;
}

/** Replaces the innermost operations one by one. */
function evaluateLogic(text: string): string {
  let rest = text;
  for (;;) {
    const next = rest
      .replace(/not (true|false)/, (_, value) => (value === 'true' ? 'false' : 'true'))
      .replace(/\((true|false)\)/, '$1')
      .replace(/(?<!not )(true|false) (and|or) (true|false)(?!\w)/, (whole, a, operator, b) => {
        if (rest.includes('not ')) return whole;
        return operator === 'and'
          ? String(a === 'true' && b === 'true')
          : String(a === 'true' || b === 'true');
      });
    if (next === rest) return rest;
    rest = next;
  }
}

/** Whether a claim of one islander about the named world is true. */
function claims(claim: string, speaker: string, honest: ReadonlyMap<string, boolean>): boolean {
  const [name = ''] = claim.split(' ');
  const [self, other] = [honest.get(speaker), honest.get(name)];
  const liars = [...honest.values()].filter((value) => !value).length;
  if (claim.includes('=')) return sumOf(claim.split('=')[0] ?? '') === Number(claim.split('=')[1]);
  if (claim === 'all of us lie') return liars === honest.size;
  if (claim === 'one of us lies') return liars === 1;
  if (claim === 'two of us lie') return liars === 2;
  if (claim.endsWith('is not like me')) return self !== other;
  if (claim.endsWith('is like me')) return self === other;
  return claim.endsWith('lies') ? other === false : other === true;
}

/** Counts up through all worlds, and takes the only one in which everybody speaks as he is. */
function whoIsWhat(prompt: string): string {
  const spoken = [...prompt.matchAll(/(\w+): ([^.]+)\./g)].map(([, speaker = '', claim = '']) => ({
    speaker,
    claim,
  }));
  const fitting: Map<string, boolean>[] = [];
  for (let bits = 0; bits < 2 ** spoken.length; bits++) {
    const honest = new Map(spoken.map(({ speaker }, at) => [speaker, ((bits >> at) & 1) === 1]));
    if (spoken.every(({ speaker, claim }) => claims(claim, speaker, honest) === honest.get(speaker))) {
      fitting.push(honest);
    }
  }
  const [only, ...others] = fitting;
  if (only === undefined || others.length > 0) return 'no only world';
  const [, asked] = /What is (\w+)\?/.exec(prompt) ?? [];
  if (asked !== undefined) return only.get(asked) === true ? 'knight' : 'knave';
  const knights = spoken.filter(({ speaker }) => only.get(speaker)).map(({ speaker }) => speaker);
  return knights.join(' ') || 'nobody';
}

/** The shortest way, breadth first. */
function shortestWay(prompt: string): string {
  const [, from = '', to = '', use = ''] = /from (\w+) to (\w+) .*: (.*)$/.exec(prompt) ?? [];
  const allowed = [...use.split(' '), to];
  const ways = [[from]];
  for (const way of ways) {
    const last = way.at(-1) ?? '';
    if (last === to) return way.join(' ');
    for (const word of allowed) {
      const same = [...word].filter((letter, at) => letter === last[at]).length;
      if (same === word.length - 1 && !way.includes(word)) ways.push([...way, word]);
    }
  }
  return 'no way';
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
  divisors(prompt) {
    const [a = 0, b = 0] = numbersIn(prompt);
    const common = divisorsOf(a).filter((divisor) => b % divisor === 0);
    if (prompt.includes('divisor')) return String(Math.max(...common));
    let multiple = a;
    while (multiple % b !== 0) multiple += a;
    return String(multiple);
  },
  clock(prompt) {
    const [hour = 0, minute = 0, ...others] = numbersIn(prompt);
    const at = Date.UTC(2024, 0, 1, hour, minute);
    if (prompt.startsWith('How many')) {
      return String((Date.UTC(2024, 0, 1, others[0], others[1]) - at) / 60_000);
    }
    const later = new Date(at + (others[0] ?? 0) * 60_000);
    return later.toISOString().slice(11, 16).replace(/^0/, '');
  },
  'reverse-list': (prompt) =>
    (prompt.split(': ')[1] ?? '').split(' ').reduce((list, word) => `${word} ${list}`.trim(), ''),
  'base-conversion'(prompt) {
    const [first = 0, second = 0] = numbersIn(prompt);
    if (prompt.includes('number')) return String(placeValue(String(second), first));
    return digitsOf(first, second);
  },
  'boolean-logic': (prompt) => evaluateLogic(prompt.slice('What is '.length, -1)),
  'matrix-rotation'(prompt) {
    const rows = numbersText(prompt);
    const last = rows.length - 1;
    const at = (row: number, column: number) => rows[row]?.[column] ?? '';
    return rows
      .map((_, row) =>
        rows
          .map((_, column) => (prompt.endsWith('right.') ? at(last - column, row) : at(column, last - row)))
          .join(''),
      )
      .join(' ');
  },
  'word-ladder': shortestWay,
  'knights-and-knaves': whoIsWhat,
  equations(prompt) {
    const [left = '', right = ''] = prompt.slice('Solve '.length, -' for x.'.length).split('=');
    return solveByTrial(left, right);
  },
};
