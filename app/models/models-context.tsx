import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import type { ModelsDesk } from './models-controller.ts';
import type { ModelsView, Place } from './models-view.ts';

export const ModelsContext = createContext<ModelsDesk | null>(null);

export function useModelsDesk(): ModelsDesk {
  const desk = useContext(ModelsContext);
  if (desk === null) throw new Error('Wrap this component in ModelsContext.');
  return desk;
}

/** One part of the view; the component renders again only when that part changes. */
export function useModels<T>(select: (view: ModelsView) => T): T {
  return useStore(useModelsDesk().store, select);
}

/** What went wrong there, said where it happened. */
export function Failure({ place }: { readonly place: Place }) {
  const cause = useModels((view) => view.failures[place]);
  return (
    <p
      role="status"
      className={cause === undefined ? '' : 'mt-3 max-w-prose text-note text-bad text-pretty'}
      data-testid={`failure-${place}`}
    >
      {cause}
    </p>
  );
}
