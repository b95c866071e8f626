import { type StoredText, storedText } from '../ui/stored-text.ts';
import { type EngineChoice, parseEngineChoice } from './engine-choice.ts';

/**
 * The engine with which this tab contributes, or null. sessionStorage outlives a reload and a crash and ends
 * with the tab, just as the person's wish to contribute does.
 */
export function contributingMemory(
  stored: StoredText = storedText(() => sessionStorage, 'starling.contributing'),
) {
  return {
    get: (): EngineChoice | null => parseEngineChoice(stored.get()),
    set: (engine: EngineChoice | null): void => stored.set(engine),
  };
}

/** The share of the device that a person lends, 0.1 to 1. It outlives the visit. Defaults to 1. */
export function shareMemory(stored: StoredText = storedText(() => localStorage, 'starling.share')) {
  return {
    get(): number {
      const share = Number(stored.get() ?? 1);
      return share >= 0.1 && share <= 1 ? share : 1;
    },
    set: (share: number): void => stored.set(String(share)),
  };
}

/** The number of the swarm that this device joins, or null for the network's first. It outlives the visit. */
export function swarmMemory(stored: StoredText = storedText(() => localStorage, 'starling.swarm')) {
  return {
    get(): number | null {
      const text = stored.get() ?? '';
      return /^\d{1,15}$/.test(text) ? Number(text) : null;
    },
    set: (swarm: number | null): void => stored.set(swarm === null ? null : String(swarm)),
  };
}
