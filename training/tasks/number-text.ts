/** Numbers in people's and models' texts, read exactly: a checker never rounds. */

/** The fraction `numerator / denominator`, in lowest terms and with a positive denominator. */
export interface ExactNumber {
  readonly numerator: bigint;
  readonly denominator: bigint;
  /** Canonical form, such as `-1234`, `3.5` or `2/3`. */
  readonly text: string;
}

/** Digits of a number's numerator or denominator. A longer run of digits is no number. */
const MAX_DIGITS = 100;

/** The code points of the zeros of scripts with digits of their own. Nine more follow each. */
const ZEROS = [
  0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6, 0x0d66, 0x0e50,
  0x0ed0, 0x0f20, 0x1040, 0x17e0, 0x1810, 0xff10,
] as const;

/**
 * Writes digits of any script, signs and separators in ASCII. Every mark that is replaced keeps its order.
 */
function asciiNumbers(text: string): string {
  return text
    .split('{,}')
    .join(',')
    .split('\\!')
    .join('')
    .split('\\,')
    .join('')
    .replace(/\\[dt]?frac\{(-?[0-9]{1,50})\}\{([0-9]{1,50})\}/g, '$1/$2')
    .replace(/[^\0-\x7f]/g, (character) => {
      const code = character.charCodeAt(0);
      const zero = ZEROS.find((candidate) => code >= candidate && code <= candidate + 9);
      if (zero !== undefined) return String(code - zero);
      if (character === '−' || character === '﹣' || character === '－') return '-';
      if (character === '٬' || character === '，' || character === '\u202f' || character === '\u00a0')
        return ',';
      return character === '٫' || character === '．' ? '.' : character;
    });
}

function isDigit(character: string): boolean {
  return character >= '0' && character <= '9' && character.length === 1;
}

function digitsFrom(text: string, start: number): number {
  let end = start;
  while (isDigit(text.charAt(end))) end += 1;
  return end;
}

interface Scanned {
  readonly end: number;
  readonly digits: string;
  readonly decimals: number;
}

/** Reads `1,234.5` from its first digit. A comma counts only between groups of three digits. */
function scanDecimal(text: string, start: number): Scanned {
  let end = digitsFrom(text, start);
  let digits = text.slice(start, end);
  while (digits.length <= MAX_DIGITS && end - start <= 4 * MAX_DIGITS && text.charAt(end) === ',') {
    const group = digitsFrom(text, end + 1);
    if (group - end !== 4 || (digits.length > 3 && !text.slice(start, end).includes(','))) break;
    digits += text.slice(end + 1, group);
    end = group;
  }
  if (text.charAt(end) !== '.' || !isDigit(text.charAt(end + 1))) return { end, digits, decimals: 0 };
  const stop = digitsFrom(text, end + 1);
  return { end: stop, digits: digits + text.slice(end + 1, stop), decimals: stop - end - 1 };
}

const LETTER = /[A-Za-z]/;

/**
 * The last number of a text: a decimal number, with commas between groups of three digits or without, or a
 * fraction of two of them. Undefined when there is none. Digits right behind a letter are no number.
 */
export function lastNumber(text: string): ExactNumber | undefined {
  const ascii = asciiNumbers(text);
  let last: ExactNumber | undefined;
  let at = 0;
  while (at < ascii.length) {
    if (!isDigit(ascii.charAt(at))) {
      at += 1;
      continue;
    }
    const start = at;
    const whole = scanDecimal(ascii, start);
    at = whole.end;
    let below: Scanned | undefined;
    if (ascii.charAt(at) === '/' && isDigit(ascii.charAt(at + 1))) {
      below = scanDecimal(ascii, at + 1);
      at = below.end;
    }
    const before = ascii.charAt(start - 1);
    if (LETTER.test(before)) continue;
    last = exactOf(whole, below, isNegative(ascii, start)) ?? last;
  }
  return last;
}

/** A hyphen behind a letter or digit is an operator or joins words. A currency sign may stand in between. */
function isNegative(text: string, start: number): boolean {
  const sign = text.charAt(start - 1) === '$' ? start - 2 : start - 1;
  return text.charAt(sign) === '-' && !/[A-Za-z0-9)]/.test(text.charAt(sign - 1));
}

function exactOf(whole: Scanned, below: Scanned | undefined, negative: boolean): ExactNumber | undefined {
  if (whole.digits.length > MAX_DIGITS || (below?.digits.length ?? 0) > MAX_DIGITS) return undefined;
  let numerator = BigInt(whole.digits) * (negative ? -1n : 1n);
  let denominator = 10n ** BigInt(whole.decimals);
  if (below !== undefined) {
    if (/^0+$/.test(below.digits)) return undefined;
    numerator *= 10n ** BigInt(below.decimals);
    denominator *= BigInt(below.digits);
  }
  const divisor = greatestCommonDivisor(numerator < 0n ? -numerator : numerator, denominator);
  numerator /= divisor;
  denominator /= divisor;
  return { numerator, denominator, text: textOf(numerator, denominator) };
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [larger, smaller] = [a, b];
  while (smaller !== 0n) [larger, smaller] = [smaller, larger % smaller];
  return larger === 0n ? 1n : larger;
}

/** A decimal number where it ends, else a fraction. */
function textOf(numerator: bigint, denominator: bigint): string {
  if (denominator === 1n) return String(numerator);
  let rest = denominator;
  let [twos, fives] = [0, 0];
  for (; rest % 2n === 0n; rest /= 2n) twos += 1;
  for (; rest % 5n === 0n; rest /= 5n) fives += 1;
  if (rest !== 1n) return `${numerator}/${denominator}`;
  const decimals = Math.max(twos, fives);
  const scaled = (numerator * 10n ** BigInt(decimals)) / denominator;
  const digits = String(scaled < 0n ? -scaled : scaled).padStart(decimals + 1, '0');
  return `${scaled < 0n ? '-' : ''}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}
