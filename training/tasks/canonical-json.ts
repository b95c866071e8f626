/** Levels of arrays and objects. */
const MAX_DEPTH = 64;

/**
 * JSON text with sorted keys and without spaces, so that equal values have equal texts. Numbers are equal
 * when their doubles are. Undefined when the text is not JSON or has more than 64 levels.
 */
export function canonicalJson(text: string): string | undefined {
  try {
    return canonical(JSON.parse(text), 0);
  } catch {
    return undefined;
  }
}

function canonical(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw new RangeError(`More than ${MAX_DEPTH} levels: make it flatter.`);
  if (Array.isArray(value)) return `[${value.map((element) => canonical(element, depth + 1)).join(',')}]`;
  if (typeof value !== 'object' || value === null) {
    // JSON.parse reads -0, which equals 0.
    return JSON.stringify(Object.is(value, -0) ? 0 : value);
  }
  const fields = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, field]) => `${JSON.stringify(key)}:${canonical(field, depth + 1)}`);
  return `{${fields.join(',')}}`;
}
