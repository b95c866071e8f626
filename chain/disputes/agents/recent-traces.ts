import type { Hex } from 'viem';
import type { Evidence, EvidenceOptions, StepTrace } from '../../../protocol/evidence.ts';

/** Steps kept. A party of several games about one claim is usually asked about one and the same step. */
const KEPT = 2;

/** Evidence that replays a step once for all the moves about it. A replay that failed is forgotten and tried again. */
export function rememberTraces(evidence: Evidence): Evidence {
  const traces = new Map<number, Promise<StepTrace>>();
  let roots: Promise<readonly Hex[]> | undefined;
  return {
    terms: evidence.terms,
    program: evidence.program,
    slotNames: evidence.slotNames,
    dataRoots: evidence.dataRoots,
    stepRoots(options?: EvidenceOptions) {
      const begun = roots ?? evidence.stepRoots(options);
      roots = begun;
      begun.catch(() => {
        if (roots === begun) roots = undefined;
      });
      return begun;
    },
    trace(step: number, options?: EvidenceOptions) {
      const begun = traces.get(step) ?? evidence.trace(step, options);
      // Last used comes last; the first goes when there are too many.
      traces.delete(step);
      traces.set(step, begun);
      for (const old of traces.keys()) {
        if (traces.size <= KEPT) break;
        traces.delete(old);
      }
      begun.catch(() => {
        if (traces.get(step) === begun) traces.delete(step);
      });
      return begun;
    },
  };
}
