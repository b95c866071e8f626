import type { ReactNode } from 'react';
import { ChecksContext } from './checks/checks-context.tsx';
import { JobsContext } from './jobs/jobs-context.tsx';
import { OpenModelsContext } from './models/models-context.tsx';
import type { Session } from './session.ts';
import { SwarmsContext } from './swarms/swarms-context.tsx';
import { VolunteerProvider } from './volunteer/volunteer-context.tsx';

interface SessionProviderProps {
  readonly session: Pick<Session, 'volunteer' | 'view' | 'swarms' | 'jobs' | 'checks' | 'models'>;
  readonly children: ReactNode;
}

/** Gives the screens what they may ask, each its own part. */
export function SessionProvider({ session, children }: SessionProviderProps) {
  return (
    <VolunteerProvider volunteer={session.volunteer} store={session.view}>
      <SwarmsContext value={session.swarms}>
        <JobsContext value={session.jobs}>
          <ChecksContext value={session.checks}>
            <OpenModelsContext value={session.models}>{children}</OpenModelsContext>
          </ChecksContext>
        </JobsContext>
      </SwarmsContext>
    </VolunteerProvider>
  );
}
