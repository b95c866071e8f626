import { createContext, useContext } from 'react';
import { type Openable, type Opened, useOpened } from '../ui/use-opened.ts';
import type { JobsPort } from './jobs-port.ts';

export const JobsContext = createContext<Openable<JobsPort> | null>(null);

/** This tab's port to paid training, opened when a screen first needs it. */
export function useJobs(): Opened<JobsPort> {
  const jobs = useContext(JobsContext);
  if (jobs === null) throw new Error('Wrap this component in JobsContext.');
  return useOpened(jobs);
}
