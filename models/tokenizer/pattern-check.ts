/**
 * Which regular expressions of a tokenizer.json are run. A stranger's expression may take exponential time on
 * a short text, so only published ones and ones that cannot go back far are.
 */
import { TokenizerError } from './tokenizer-error.ts';

const ENDINGS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const SPACES = String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`;
const UPPER = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`;
const LOWER = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`;
const BEFORE = String.raw`[^\r\n\p{L}\p{N}]?`;

/** The expressions of published byte-level tokenizers. Each goes back over one run of characters at most. */
const PUBLISHED: ReadonlySet<string> = new Set([
  // GPT-2
  String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  String.raw`(?:'[sdmt]|'ll|'ve|'re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  // Llama 3, Qwen2 and Qwen3, and the same with other numbers of digits
  ...[String.raw`\p{N}{1,3}`, String.raw`\p{N}`, String.raw`\p{N}+`].flatMap((digits) => [
    String.raw`${ENDINGS}|${BEFORE}\p{L}+|${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|${SPACES}`,
    String.raw`${ENDINGS}|${BEFORE}[\p{L}\p{M}]+|${digits}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|${SPACES}`,
    // GPT-4o, Mistral Nemo, Llama 4
    String.raw`${BEFORE}${UPPER}*${LOWER}+${ENDINGS}?|${BEFORE}${UPPER}+${LOWER}*${ENDINGS}?|${digits}| ?[^\s\p{L}\p{N}]+[\r\n/]*|${SPACES}`,
    String.raw`${BEFORE}${UPPER}*${LOWER}+|${BEFORE}${UPPER}+${LOWER}*|${digits}| ?[^\s\p{L}\p{N}]+[\r\n/]*|${SPACES}`,
  ]),
  // DeepSeek V3
  String.raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_${'`'}{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|${SPACES}`,
]);

/** Most UTF-16 units of an expression. */
const LENGTH_LIMIT = 2048;
/** Most ways to match an alternative's bounded repetitions. */
const WAYS_LIMIT = 256;
/** One class, escape or plain character, and its quantifier. */
const ATOM =
  /(?:\[(?:\\.|[^\]\\[])+\]|\\[pP]\{[^}]+\}|\\[^1-9kpP]|[^\\[\](){}|*+?^$])(\{\d+(?:,\d*)?\}|[*+?])?/uy;

/**
 * Whether an expression needs steps in proportion to the text at most: alternatives without groups, in which
 * only the last atom repeats without bound.
 */
function isLinear(source: string): boolean {
  let open = false;
  let ways = 1;
  for (let at = 0; at < source.length; ) {
    if (source[at] === '|') {
      [open, ways] = [false, 1];
      at += 1;
      continue;
    }
    ATOM.lastIndex = at;
    const match = ATOM.exec(source);
    if (match === null || open) return false;
    at = ATOM.lastIndex;
    const quantifier = match[1] ?? '';
    const [, least, most] = /^\{(\d+)(?:,(\d*))?\}$/.exec(quantifier) ?? [];
    if (quantifier === '+' || quantifier === '*' || most === '') open = true;
    else if (quantifier === '?') ways *= 2;
    else if (most !== undefined) ways *= Math.max(1, Number(most) - Number(least) + 1);
    if (ways > WAYS_LIMIT || Number(most || least || 0) > WAYS_LIMIT) return false;
  }
  return true;
}

/** Most times that the normalisers may lengthen a text. */
const GROWTH_LIMIT = 256;
/** Most parts of a tokenizer inside one another. */
const DEPTH_LIMIT = 16;

/**
 * Checks normalisers, pre-tokenizers and decoders of a parsed tokenizer.json. Throws TokenizerError for a
 * regular expression that is neither published nor linear, for a pattern that is neither text nor expression,
 * and for normalisers that lengthen a text without end.
 */
export function checkPatterns(tokenizer: Readonly<Record<string, unknown>>): void {
  for (const part of ['normalizer', 'pre_tokenizer', 'decoder']) {
    let growth = 1;
    const walk = (value: unknown, depth: number): void => {
      if (typeof value !== 'object' || value === null) return;
      if (depth > DEPTH_LIMIT) throw new TokenizerError(`tokenizer.json: ${part} is nested too deeply`);
      const { type, Regex: regex, content, prepend, pattern } = value as Readonly<Record<string, unknown>>;
      if ((pattern !== undefined || WITH_PATTERN.includes(type)) && !isPattern(pattern)) {
        throw new TokenizerError(`tokenizer.json: ${part} has an unknown pattern; use another model`);
      }
      if (typeof regex === 'string') checkPattern(part, regex);
      for (const more of [content, prepend]) {
        if (typeof more === 'string') growth *= Math.max(1, more.length);
      }
      if (growth > GROWTH_LIMIT) {
        throw new TokenizerError(`tokenizer.json: ${part} makes a text too long; use another model`);
      }
      for (const each of Object.values(value)) walk(each, depth + 1);
    };
    walk(tokenizer[part], 0);
  }
}

/** Parts that do nothing without a pattern. */
const WITH_PATTERN: readonly unknown[] = ['Replace', 'Split'];

/** A pattern is a text or a regular expression. The package passes over what is neither. */
function isPattern(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { Regex: regex, String: text } = value as Readonly<Record<string, unknown>>;
  return typeof regex === 'string' || (regex === undefined && typeof text === 'string');
}

function checkPattern(part: string, source: string): void {
  if (PUBLISHED.has(source)) return;
  if (source.length <= LENGTH_LIMIT && isLinear(source)) return;
  throw new TokenizerError(
    `tokenizer.json: ${part} has an unknown regular expression ${JSON.stringify(source.slice(0, 80))}, which could run without end; use another model`,
  );
}
