/** The view of one volunteer as a zustand store: events go in, the screen follows. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import { reduceVolunteer } from './reduce-volunteer.ts';
import type { VolunteerPort } from './volunteer-port.ts';
import { EMPTY_VIEW, type VolunteerView } from './volunteer-view.ts';

export type VolunteerStore = StoreApi<VolunteerView>;

/** Makes a store that follows the volunteer's events until `stop` is called. */
export function followVolunteer(port: VolunteerPort): { readonly store: VolunteerStore; stop(): void } {
  const store = createStore<VolunteerView>(() => EMPTY_VIEW);
  const stop = port.subscribe((event) => store.setState((view) => reduceVolunteer(view, event), true));
  return { store, stop };
}
