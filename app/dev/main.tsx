/** `?scene=` picks what to draw. Served by `vite` only; the build leaves this folder out. */
import { createRoot } from 'react-dom/client';
import '../styles.css';
import { type ModelScene, simulatedModels } from '../models/testing/simulated-models.ts';
import { SessionProvider } from '../session-provider.tsx';
import { Screen } from '../shell/screen.tsx';
import type { Scene } from '../volunteer/testing/scenes.ts';
import { simulatedVolunteer } from '../volunteer/testing/simulated-volunteer.ts';
import { followVolunteer } from '../volunteer/volunteer-store.ts';

const name = new URLSearchParams(location.search).get('scene') ?? 'fresh';
if (name.startsWith('models-')) location.hash = '#/models';
const volunteer = simulatedVolunteer(name.startsWith('models-') ? 'fresh' : (name as Scene), Date.now);
const { store } = followVolunteer(volunteer);
void volunteer.open();

const models = Promise.resolve(
  simulatedModels(name.startsWith('models-') ? (name as ModelScene) : 'models-empty'),
);
const refused = { open: () => Promise.reject(new Error('This is a drawing of the page, not a volunteer.')) };

const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <SessionProvider
      session={{
        volunteer,
        view: store,
        jobs: refused,
        checks: refused,
        models: { open: () => models },
      }}
    >
      <Screen engine="auto" />
    </SessionProvider>,
  );
}
