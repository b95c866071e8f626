/**
 * A strict parser for the JSON of a safetensors header. JSON.parse silently keeps the last of two equal keys,
 * and two readers that disagree about the tensor of a name are an attack (the format's audit lists it).
 */
export type HeaderValue = string | number | readonly HeaderValue[] | ReadonlyMap<string, HeaderValue>;

const MAX_DEPTH = 4;

class HeaderParser {
  readonly #text: string;
  readonly #fail: (problem: string) => never;
  #at = 0;

  constructor(text: string, fail: (problem: string) => never) {
    this.#text = text;
    this.#fail = fail;
  }

  document(): HeaderValue {
    const value = this.#value(0);
    this.#space();
    if (this.#at !== this.#text.length) this.#error('the end');
    return value;
  }

  #error(expected: string): never {
    return this.#fail(
      `header is not valid JSON of names, strings and whole numbers: expected ${expected} at ${this.#at}`,
    );
  }

  #space(): void {
    while (' \t\n\r'.includes(this.#text[this.#at] ?? 'x')) this.#at++;
  }

  /** Consumes `character` if it is next. */
  #take(character: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #value(depth: number): HeaderValue {
    if (depth > MAX_DEPTH) return this.#fail('header is nested too deeply');
    this.#space();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      default:
        return this.#number();
    }
  }

  #object(depth: number): ReadonlyMap<string, HeaderValue> {
    const entries = new Map<string, HeaderValue>();
    this.#take('{');
    if (this.#take('}')) return entries;
    do {
      this.#space();
      const key = this.#string();
      if (entries.has(key)) this.#fail(`header names ${JSON.stringify(key)} twice`);
      if (!this.#take(':')) this.#error('":"');
      entries.set(key, this.#value(depth + 1));
    } while (this.#take(','));
    if (!this.#take('}')) this.#error('"}"');
    return entries;
  }

  #array(depth: number): readonly HeaderValue[] {
    const items: HeaderValue[] = [];
    this.#take('[');
    if (this.#take(']')) return items;
    do items.push(this.#value(depth + 1));
    while (this.#take(','));
    if (!this.#take(']')) this.#error('"]"');
    return items;
  }

  #string(): string {
    const start = this.#at;
    if (this.#text[start] !== '"') this.#error('a string');
    let end = start + 1;
    while (end < this.#text.length && this.#text[end] !== '"') end += this.#text[end] === '\\' ? 2 : 1;
    let value: unknown;
    try {
      value = JSON.parse(this.#text.slice(start, end + 1));
    } catch {
      this.#error('a string');
    }
    if (typeof value !== 'string' || !value.isWellFormed()) return this.#error('a string');
    this.#at = end + 1;
    return value;
  }

  #number(): number {
    const match = /^(?:0|[1-9][0-9]{0,15})(?![0-9.eE])/.exec(this.#text.slice(this.#at, this.#at + 20));
    const value = Number(match?.[0]);
    if (match === null || !Number.isSafeInteger(value)) return this.#error('a whole number');
    this.#at += match[0].length;
    return value;
  }
}

/** Parses a header. `fail` is called with the problem and must throw. */
export function parseHeaderJson(text: string, fail: (problem: string) => never): HeaderValue {
  return new HeaderParser(text, fail).document();
}
