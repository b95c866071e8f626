import { createContext, useContext } from 'react';
import { type Openable, type Opened, useOpened } from '../ui/use-opened.ts';
import type { ChecksPort } from './checks-port.ts';

export const ChecksContext = createContext<Openable<ChecksPort> | null>(null);

/** This tab's port to claims and disputes, opened when a screen first needs it. */
export function useChecks(): Opened<ChecksPort> {
  const checks = useContext(ChecksContext);
  if (checks === null) throw new Error('Wrap this component in ChecksContext.');
  return useOpened(checks);
}
