import { createContext, type ReactNode, useContext } from 'react';
import { useStore } from 'zustand';
import type { VolunteerPort } from './volunteer-port.ts';
import type { VolunteerStore } from './volunteer-store.ts';
import type { VolunteerView } from './volunteer-view.ts';

interface VolunteerContext {
  readonly volunteer: VolunteerPort;
  readonly store: VolunteerStore;
}

const Context = createContext<VolunteerContext | null>(null);

/** Gives a part of the page its volunteer. */
export function VolunteerProvider({
  volunteer,
  store,
  children,
}: VolunteerContext & { readonly children: ReactNode }) {
  return <Context value={{ volunteer, store }}>{children}</Context>;
}

function useVolunteerContext(): VolunteerContext {
  const context = useContext(Context);
  if (context === null) throw new Error('Wrap this component in VolunteerProvider.');
  return context;
}

/** One part of the view. The component renders again only when that part changes. */
export function useView<T>(select: (view: VolunteerView) => T): T {
  return useStore(useVolunteerContext().store, select);
}

export function useVolunteer(): VolunteerPort {
  return useVolunteerContext().volunteer;
}
