/** The function that the counters call: a global, which counters.ts sets before any module is loaded. */
export const HIT: string;

/**
 * The text of an ES module with counters `first`, `first + 1`, ... in its branches, and how many there are.
 * Lines stay where they are. Throws for what is no ES module.
 */
export function instrument(
  source: string,
  first: number,
): { readonly source: string; readonly count: number };
