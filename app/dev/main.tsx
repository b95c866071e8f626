/** `?scene=` picks what to draw; see simulated-volunteer.ts. Served by `vite` only. */
import { createRoot } from 'react-dom/client';
import '../styles.css';
import { Screen } from '../screen/screen.tsx';
import { VolunteerProvider } from '../screen/volunteer-context.tsx';
import { followVolunteer } from '../volunteer/store.ts';
import { type Scene, simulatedVolunteer } from './simulated-volunteer.ts';

const name = (new URLSearchParams(location.search).get('scene') ?? 'fresh') as Scene;
const port = simulatedVolunteer(name, Date);
const { store } = followVolunteer(port);
void port.open();

const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <VolunteerProvider port={port} store={store}>
      <Screen engine="auto" />
    </VolunteerProvider>,
  );
}
