/** `?scene=` picks what to draw. Served by `vite` only; the build leaves this folder out. */
import { createRoot } from 'react-dom/client';
import '../styles.css';
import { type CheckScene, simulatedChecks } from '../checks/testing/simulated-checks.ts';
import { type JobScene, simulatedJobs } from '../jobs/testing/simulated-jobs.ts';
import { type ModelScene, simulatedModels } from '../models/testing/simulated-models.ts';
import { SessionProvider } from '../session-provider.tsx';
import { Screen } from '../shell/screen.tsx';
import { type SwarmScene, simulatedSwarms } from '../swarms/testing/simulated-swarms.ts';
import type { Scene } from '../volunteer/testing/scenes.ts';
import { simulatedVolunteer } from '../volunteer/testing/simulated-volunteer.ts';
import { followVolunteer } from '../volunteer/volunteer-store.ts';

const name = new URLSearchParams(location.search).get('scene') ?? 'fresh';
const [screen = ''] = /^(swarms|jobs|checks|models)(?=-)/.exec(name) ?? [];
if (screen !== '' && location.hash === '') location.hash = `#/${screen}`;

const volunteer = simulatedVolunteer(screen === '' ? (name as Scene) : 'fresh', Date.now);
const { store } = followVolunteer(volunteer);
void volunteer.open();

const swarms = Promise.resolve(simulatedSwarms(screen === 'swarms' ? (name as SwarmScene) : 'swarms-list'));
const jobs = Promise.resolve(simulatedJobs(screen === 'jobs' ? (name as JobScene) : 'jobs-empty'));
const checks = Promise.resolve(simulatedChecks(screen === 'checks' ? (name as CheckScene) : 'checks-empty'));
const models = Promise.resolve(simulatedModels(screen === 'models' ? (name as ModelScene) : 'models-empty'));

const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <SessionProvider
      session={{
        volunteer,
        view: store,
        swarms: { open: () => swarms },
        jobs: { open: () => jobs },
        checks: { open: () => checks },
        models: { open: () => models },
      }}
    >
      <Screen engine="auto" />
    </SessionProvider>,
  );
}
