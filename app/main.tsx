import { createRoot } from 'react-dom/client';
import './styles.css';
import { parseEngineChoice } from './contribute/device-panel.tsx';
import { deskIsWanted } from './jobs/jobs-memory.ts';
import { Screen } from './shell/screen.tsx';
import { UpdatePrompt } from './shell/update-prompt.tsx';
import { ErrorBoundary } from './ui/error-boundary.tsx';
import { openVolunteer } from './volunteer/open-volunteer.ts';
import { VolunteerProvider } from './volunteer/volunteer-context.tsx';
import type { EngineChoice } from './volunteer/volunteer-port.ts';
import { followVolunteer } from './volunteer/volunteer-store.ts';

const ENGINE_KEY = 'starling.engine';

/** `?engine=` wins over what was chosen on an earlier visit. */
function askedEngine(): EngineChoice {
  const asked = new URLSearchParams(location.search).get('engine');
  if (asked !== null) return parseEngineChoice(asked);
  try {
    return parseEngineChoice(localStorage.getItem(ENGINE_KEY));
  } catch {
    return 'auto';
  }
}

function rememberEngine(engine: EngineChoice): void {
  try {
    localStorage.setItem(ENGINE_KEY, engine);
  } catch {
    // Storage is blocked: the choice lasts until the page closes.
  }
}

const engine = askedEngine();
const port = openVolunteer({ base: document.baseURI });
const { store } = followVolunteer(port);
void port.open().then(() => {
  // In a second tab it is refused, and goes on in the first.
  if (deskIsWanted()) port.desk().catch(() => undefined);
});

const root = document.getElementById('root');
if (root === null) throw new Error('index.html lacks the element #root.');
createRoot(root).render(
  <ErrorBoundary what="This page">
    <VolunteerProvider port={port} store={store}>
      <Screen engine={engine} onEngine={rememberEngine} />
      <UpdatePrompt />
    </VolunteerProvider>
  </ErrorBoundary>,
);
