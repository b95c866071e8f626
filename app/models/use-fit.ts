import { useEffect, useState } from 'react';
import type { MemoryFit } from '../../workers/memory-fit.ts';
import type { ModelUse } from '../../workers/model-api.ts';
import { useModelsDesk } from './models-context.tsx';
import { sentenceOf } from './naming.ts';

export type FitState =
  | { readonly kind: 'asking' }
  | { readonly kind: 'known'; readonly fit: MemoryFit }
  | { readonly kind: 'failed'; readonly cause: string };

/** What a use of the chosen model would take, asked again whenever it changes. The last answer stands until the next is here. */
export function useFit(use: ModelUse | null): FitState {
  const desk = useModelsDesk();
  const [state, setState] = useState<FitState>({ kind: 'asking' });
  const key = JSON.stringify(use);
  useEffect(() => {
    const wanted = JSON.parse(key) as ModelUse | null;
    if (wanted === null) return;
    const abort = new AbortController();
    desk.fit(wanted, abort.signal).then(
      (fit) => {
        if (!abort.signal.aborted) setState({ kind: 'known', fit });
      },
      (error: unknown) => {
        if (!abort.signal.aborted) setState({ kind: 'failed', cause: sentenceOf(error) });
      },
    );
    return () => abort.abort();
  }, [desk, key]);
  return state;
}
