import { useCallback } from 'react';
import type { EngineChoice } from '../volunteer/engine-choice.ts';
import { isLive } from '../volunteer/phase.ts';
import { useView, useVolunteer } from '../volunteer/volunteer-context.tsx';

/** Joining a swarm with one click, and the swarm that this device contributes to now. */
export function useJoin(engine: EngineChoice): {
  /** Number of the swarm that this device contributes to; null while it contributes to none. */
  readonly joined: number | null;
  readonly join: (swarm: number) => void;
} {
  const volunteer = useVolunteer();
  const joined = useView((view) => (isLive(view.phase) ? view.swarm : null));
  const join = useCallback(
    (swarm: number) => {
      // How the start goes is on the first screen, with its cause where it fails.
      location.hash = '#/';
      void volunteer.join(swarm, engine);
    },
    [volunteer, engine],
  );
  return { joined, join };
}
