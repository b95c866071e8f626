import { createContext, type ReactNode, useContext } from 'react';
import { useStore } from 'zustand';
import type { VolunteerView } from './reduce-volunteer.ts';
import type { VolunteerPort } from './volunteer-port.ts';
import type { VolunteerStore } from './volunteer-store.ts';

interface Surroundings {
  readonly port: VolunteerPort;
  readonly store: VolunteerStore;
}

const Context = createContext<Surroundings | null>(null);

/** Gives a part of the screen its volunteer. */
export function VolunteerProvider({
  port,
  store,
  children,
}: Surroundings & { readonly children: ReactNode }) {
  return <Context value={{ port, store }}>{children}</Context>;
}

function useSurroundings(): Surroundings {
  const surroundings = useContext(Context);
  if (surroundings === null) throw new Error('Wrap this component in VolunteerProvider.');
  return surroundings;
}

/** One part of the view; the component renders again only when that part changes. */
export function useView<T>(select: (view: VolunteerView) => T): T {
  return useStore(useSurroundings().store, select);
}

export function usePort(): VolunteerPort {
  return useSurroundings().port;
}
