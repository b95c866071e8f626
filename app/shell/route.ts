import { useSyncExternalStore } from 'react';

/**
 * The screen that is shown. It stands behind the # of the address, so that any static file server will do.
 */
export type Route =
  | { readonly screen: 'contribute' }
  | { readonly screen: 'swarms' }
  /** One swarm, as a link names it: the chain's id and the swarm's number there. */
  | { readonly screen: 'swarm'; readonly chainId: number; readonly swarm: number }
  | { readonly screen: 'jobs'; readonly job: number | null }
  | { readonly screen: 'checks'; readonly claim: number | null }
  | { readonly screen: 'models' };

/**
 * Reads `#/swarms`, `#/swarm/1/3`, `#/jobs`, `#/jobs/3`, `#/checks`, `#/checks/3` and `#/models`. Anything
 * else is the first screen.
 */
export function parseRoute(hash: string): Route {
  const [, chainId, swarm] = /^#\/swarm\/(\d{1,15})\/(\d{1,15})$/.exec(hash) ?? [];
  if (chainId !== undefined) return { screen: 'swarm', chainId: Number(chainId), swarm: Number(swarm) };
  const [, screen = '', number = ''] = /^#\/([a-z]+)(?:\/(\d{1,15}))?$/.exec(hash) ?? [];
  const id = number === '' ? null : Number(number);
  if (screen === 'jobs') return { screen, job: id };
  if (screen === 'checks') return { screen, claim: id };
  if ((screen === 'models' || screen === 'swarms') && id === null) return { screen };
  return { screen: 'contribute' };
}

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener);
  return () => removeEventListener('hashchange', listener);
}

export function useRoute(): Route {
  return parseRoute(useSyncExternalStore(subscribe, () => location.hash));
}
