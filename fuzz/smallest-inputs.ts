import type { KeptInput } from './corpus.ts';
import { reasonShape } from './reason-shape.ts';
import type { FuzzTarget } from './target.ts';

/** Bytes of the longest input that the repository keeps, and of all of one target. */
const LONGEST = 1500;
const MOST_BYTES = 8000;

/**
 * Of the inputs a few that the repository keeps for a target: all that showed a fault once, then for each
 * different outcome the shortest, as far as they are small.
 */
export async function smallestInputs(
  target: FuzzTarget,
  inputs: readonly KeptInput[],
): Promise<readonly KeptInput[]> {
  const faults = inputs.filter(({ fault }) => fault !== undefined);
  const others = inputs
    .filter(({ fault, input }) => fault === undefined && input.length <= LONGEST)
    .toSorted((a, b) => a.input.length - b.input.length);
  const open = await target.open();
  const chosen: KeptInput[] = [];
  const seen = new Set<string>();
  let bytes = 0;
  try {
    for (const each of others) {
      const outcome = await open.attempt(each.input);
      const size = Math.floor(Math.log2(1 + each.input.length));
      const shape = `${reasonShape(outcome)} ${outcome.kind === 'accepted' ? size : ''}`;
      if (seen.has(shape) || bytes + each.input.length > MOST_BYTES) continue;
      seen.add(shape);
      bytes += each.input.length;
      chosen.push(each);
    }
  } finally {
    await open.close?.();
  }
  return [...faults, ...chosen];
}
