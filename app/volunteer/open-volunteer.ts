import { openPageDatabase } from './page-database.ts';
import { type Battery, watchPower } from './power.ts';
import { Volunteer } from './volunteer.ts';
import type { EngineChoice, VolunteerPort } from './volunteer-port.ts';

const SESSION_KEY = 'starling.contributing';
const SHARE_KEY = 'starling.share';

/** The volunteer of this tab, on the browser's own storage, locks and workers. Heavy parts load when they are used. */
export function openVolunteer(options: { readonly base: string }): VolunteerPort {
  const volunteer = new Volunteer({
    base: options.base,
    parts: {
      openComputer: async (asked) => (await import('./open-computer.ts')).openComputer(asked),
      storedCheckpoint: async (of) => (await import('./open-computer.ts')).storedCheckpoint(of),
      openChain: async (network, key) => (await import('./chain-access.ts')).openChain(network, key),
      consent: async (asked) => (await import('./chain-access.ts')).consent(asked),
      openDesk: async (asked) => (await import('../jobs/open-jobs.ts')).openDesk(asked),
      joinSwarm: async (asked) => (await import('./join-swarm.ts')).joinAsVolunteer(asked),
    },
    database: () => openPageDatabase(),
    locks: navigator.locks as typeof navigator.locks | undefined,
    probe: {
      navigator,
      crossOriginIsolated,
      webrtc: typeof RTCPeerConnection === 'function',
      validate: (module) => WebAssembly.validate(module),
    },
    fetcher: (...request) => fetch(...request),
    now: () => Date.now(),
    memory: sessionMemory(),
    share: shareMemory(),
    persist: () => navigator.storage.persist(),
  });
  watchPower(volunteer, navigator as { getBattery?(): Promise<Battery> });
  return volunteer;
}

/** sessionStorage outlives a reload and a crash, and ends with the tab: just as long as the person's wish to contribute. */
function sessionMemory() {
  return {
    get(): EngineChoice | null {
      const stored = attempt(() => sessionStorage.getItem(SESSION_KEY)) ?? null;
      return stored === 'auto' || stored === 'webgpu' || stored === 'wasm' || stored === 'reference'
        ? stored
        : null;
    },
    set(engine: EngineChoice | null): void {
      attempt(() => {
        if (engine === null) sessionStorage.removeItem(SESSION_KEY);
        else sessionStorage.setItem(SESSION_KEY, engine);
      });
    },
  };
}

/** The share outlives the visit: who lends half of a device today means to lend half of it tomorrow. */
function shareMemory() {
  return {
    get(): number {
      const stored = Number(attempt(() => localStorage.getItem(SHARE_KEY)) ?? 1);
      return stored >= 0.1 && stored <= 1 ? stored : 1;
    },
    set(share: number): void {
      attempt(() => localStorage.setItem(SHARE_KEY, String(share)));
    },
  };
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
