import { isBusyRemembered } from './checks/busy-memory.ts';
import { Session } from './session.ts';
import { openVolunteer } from './volunteer/open-volunteer.ts';

/**
 * The session of this tab on the browser's own parts. `base` is where the page lies. Heavy parts load when
 * they are used.
 */
export function openSession({ base }: { readonly base: string }): Session {
  return new Session({
    openVolunteer: ({ onKeyLost }) => openVolunteer({ base, onKeyLost }),
    openPaidWork: async (credentials) =>
      (await import('./open-paid-work.ts')).openPaidWork({ base, ...credentials }),
    openSwarms: async (volunteer) =>
      (await import('./open-swarms.ts')).openSwarms({ base, network: await volunteer.network() }),
    openModels: async () => (await import('./models/open-models.ts')).openModels(),
    isPaidWorkUnderWay: () => isBusyRemembered(),
  });
}
