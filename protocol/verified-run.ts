import type { Terms } from './evidence.ts';
import type { Hex } from './hex.ts';
import { termsHash } from './slot-encoding.ts';

declare const verified: unique symbol;

/** Terms whose hash was computed and is the one that was asked for. Only `verifyRun` makes them. */
export type VerifiedTerms = Terms & { readonly [verified]: true };

/** Something about a run (its plan, its evidence) whose terms were verified where its bytes came in. */
export type VerifiedRun<Run extends { readonly terms: Terms }> = Run & { readonly terms: VerifiedTerms };

/** The run, if its terms have this hash; undefined if they do not, whatever its publisher said. */
export function verifyRun<Run extends { readonly terms: Terms }>(
  run: Run,
  hash: Hex,
): VerifiedRun<Run> | undefined {
  return isVerified(run, hash) ? run : undefined;
}

function isVerified<Run extends { readonly terms: Terms }>(run: Run, hash: Hex): run is VerifiedRun<Run> {
  return termsHash(run.terms) === hash;
}
