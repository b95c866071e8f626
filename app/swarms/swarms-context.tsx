import { createContext, useContext } from 'react';
import { type Openable, type Opened, useOpened } from '../ui/use-opened.ts';
import type { SwarmsPort } from './swarms-port.ts';

export const SwarmsContext = createContext<Openable<SwarmsPort> | null>(null);

/** This tab's port to swarms, opened when a screen first needs it. */
export function useSwarms(): Opened<SwarmsPort> {
  const swarms = useContext(SwarmsContext);
  if (swarms === null) throw new Error('Wrap this component in SwarmsContext.');
  return useOpened(swarms);
}
