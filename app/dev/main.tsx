/** `?scene=` picks what to draw; see simulated-volunteer.ts and simulated-models.ts. Served by `vite` only. */
import { createRoot } from 'react-dom/client';
import '../styles.css';
import ModelsScreen from '../models/models-screen.tsx';
import { Header } from '../shell/header.tsx';
import { Screen } from '../shell/screen.tsx';
import { VolunteerProvider } from '../volunteer/volunteer-context.tsx';
import { followVolunteer } from '../volunteer/volunteer-store.ts';
import { MODEL_SCENES, simulatedModels } from './simulated-models.ts';
import { type Scene, simulatedVolunteer } from './simulated-volunteer.ts';

const name = new URLSearchParams(location.search).get('scene') ?? 'fresh';
const models = MODEL_SCENES.find((scene) => scene === name);
const port = simulatedVolunteer(models === undefined ? (name as Scene) : 'fresh', Date);
const { store } = followVolunteer(port);
void port.open();

const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <VolunteerProvider port={port} store={store}>
      {models === undefined ? (
        <Screen engine="auto" />
      ) : (
        <div className="mx-auto max-w-6xl px-4 pb-20 sm:px-8">
          <Header screen="models" />
          <ModelsScreen engine="auto" desk={simulatedModels(models)} />
        </div>
      )}
    </VolunteerProvider>,
  );
}
