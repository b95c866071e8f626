import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import type { Openable } from '../ui/use-opened.ts';
import type { ModelsController } from './models-controller.ts';
import type { ModelsView, Place } from './models-view.ts';

/** How the models screen gets this tab's controller. `open` must give the same promise each time. */
export const OpenModelsContext = createContext<Openable<ModelsController> | null>(null);

export const ModelsContext = createContext<ModelsController | null>(null);

export function useModelsController(): ModelsController {
  const controller = useContext(ModelsContext);
  if (controller === null) throw new Error('Wrap this component in ModelsContext.');
  return controller;
}

/** One part of the view. The component renders again only when that part changes. */
export function useModels<T>(select: (view: ModelsView) => T): T {
  return useStore(useModelsController().store, select);
}

/** What went wrong in a part of the screen, shown in that part. */
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
