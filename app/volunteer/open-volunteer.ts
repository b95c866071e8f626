import { COST_TEXT, CostMemory } from '../../workers/cost-memory.ts';
import { storedText } from '../ui/stored-text.ts';
import { MemberFigures } from './member-figures.ts';
import { ownModelMemory } from './own-model.ts';
import { openPageDatabase } from './page-database.ts';
import { type Battery, watchPower } from './power.ts';
import { tabMemory } from './tab-memory.ts';
import { Volunteer } from './volunteer.ts';
import { contributingMemory, shareMemory, swarmMemory } from './volunteer-memory.ts';

export interface OpenVolunteerOptions {
  /** Where the page lies. */
  readonly base: string;
  /**
   * Stops everything else of this tab that signs with the device key, once another tab has taken the key
   * over.
   */
  readonly onKeyLost: () => Promise<void>;
}

/**
 * The volunteer of this tab, on the browser's own storage, locks and workers. Heavy parts load when they are
 * used.
 */
export function openVolunteer({ base, onKeyLost }: OpenVolunteerOptions): Volunteer {
  const { deviceMemory } = navigator as { readonly deviceMemory?: number };
  const ownModels = ownModelMemory();
  const volunteer = new Volunteer({
    base,
    dependencies: {
      whyNotHere: async (spec, { ownModel }) =>
        (await import('./why-not-here.ts')).whyNotNow(spec, {
          ...{ deviceMemory, ownModel },
          isBaseHere: async () => (await import('./open-computer.ts')).isModelHere(spec.base.root),
        }),
      ownModel: ({ chainId, swarm }) => ownModels.get({ chainId, swarm }),
      obtainModel: async (options) => (await import('./open-computer.ts')).obtainModelHere(options),
      openComputer: async (options) => (await import('./open-computer.ts')).openComputer(options),
      openBlocks: async (options) => (await import('./open-blocks.ts')).openBlocks(options),
      storedCheckpoint: async (of) => (await import('./open-computer.ts')).storedCheckpoint(of),
      openChain: async (network, key) => (await import('./chain-access.ts')).openChain(network, key),
      consent: async (options) => (await import('./chain-access.ts')).consent(options),
      keyFunds: async (of) => (await import('./chain-access.ts')).keyFunds(of),
      sweepKey: async (options) => (await import('./chain-access.ts')).sweep(options),
      joinSwarm: async (options) => (await import('./join-swarm.ts')).joinAsVolunteer(options),
    },
    database: () => openPageDatabase(),
    locks: navigator.locks as typeof navigator.locks | undefined,
    probe: {
      navigator,
      isSecureContext,
      crossOriginIsolated,
      webrtc: typeof RTCPeerConnection === 'function',
      validate: (module) => WebAssembly.validate(module),
    },
    fetcher: (...request) => fetch(...request),
    now: () => Date.now(),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    memory: contributingMemory(),
    share: shareMemory(),
    swarm: swarmMemory(),
    figures: new MemberFigures(),
    costs: new CostMemory(storedText(() => localStorage, COST_TEXT)),
    tabMemory: tabMemory(),
    persist: () => navigator.storage.persist(),
    onKeyLost,
  });
  watchPower(volunteer, navigator as { getBattery?(): Promise<Battery> });
  return volunteer;
}
