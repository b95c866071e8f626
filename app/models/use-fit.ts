import { useEffect, useState } from 'react';
import type { MemoryFit } from '../../workers/memory-fit.ts';
import type { ModelUse } from '../../workers/model-api.ts';
import { sentenceOf } from '../ui/sentence-of.ts';
import { useModelsController } from './models-context.tsx';

export type FitState =
  | { readonly kind: 'asking' }
  | { readonly kind: 'known'; readonly fit: MemoryFit }
  | { readonly kind: 'failed'; readonly cause: string };

/**
 * Memory that a use of the chosen model takes. Asked again whenever the use changes; until then the last
 * answer stands.
 */
export function useFit(use: ModelUse | null): FitState {
  const controller = useModelsController();
  const [state, setState] = useState<FitState>({ kind: 'asking' });
  const key = JSON.stringify(use);
  useEffect(() => {
    const wanted = JSON.parse(key) as ModelUse | null;
    if (wanted === null) return;
    const abort = new AbortController();
    controller.fit(wanted, abort.signal).then(
      (fit) => {
        if (!abort.signal.aborted) setState({ kind: 'known', fit });
      },
      (error: unknown) => {
        if (!abort.signal.aborted) setState({ kind: 'failed', cause: sentenceOf(error) });
      },
    );
    return () => abort.abort();
  }, [controller, key]);
  return state;
}
