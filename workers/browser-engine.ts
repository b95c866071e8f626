/** Chooses an engine in a browser's worker, in the same way for every worker that computes. */

import type { EngineKind } from '../compute/engines/engine.ts';
import { availableCandidates, chooseEngine, type EngineSelection } from '../models/engine-choice/choose.ts';
import { verdictDatabase } from './verdict-database.ts';

const verdicts = verdictDatabase();

/**
 * The engine of that kind, or with `auto` the fastest that computes the specified bits. A software GPU is
 * used only when `choice` names WebGPU. Throws EngineError when no engine may be used.
 */
export function chooseBrowserEngine(
  choice: EngineKind | 'auto',
  options: { readonly threads: number; readonly signal?: AbortSignal },
): Promise<EngineSelection> {
  return chooseEngine({
    choice,
    candidates: availableCandidates({
      threads: options.threads,
      gpu: navigator.gpu,
      allowSoftwareGpu: choice === 'webgpu',
    }),
    userAgent: navigator.userAgent,
    store: verdicts,
    now: () => performance.now(),
    signal: options.signal,
  });
}
