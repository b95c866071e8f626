/** Choosing an engine in a browser's worker: the same for every worker that computes. */

import type { EngineKind } from '../compute/engines/engine.ts';
import { availableCandidates, chooseEngine, type EngineSelection } from '../models/engine-choice/choose.ts';
import { verdictDatabase } from './verdict-database.ts';

const verdicts = verdictDatabase();

/** A software GPU is used only when it is asked for by name. Throws EngineError when no engine may be used. */
export function chooseEngineHere(
  choice: EngineKind | 'auto',
  { threads, signal }: { readonly threads: number; readonly signal?: AbortSignal | undefined },
): Promise<EngineSelection> {
  return chooseEngine({
    choice,
    candidates: availableCandidates({
      threads,
      gpu: navigator.gpu,
      allowSoftwareGpu: choice === 'webgpu',
    }),
    userAgent: navigator.userAgent,
    store: verdicts,
    now: () => performance.now(),
    ...(signal === undefined ? {} : { signal }),
  });
}
