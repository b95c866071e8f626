import { createRoot } from 'react-dom/client';
import './styles.css';
import { trustOwnScripts } from '../workers/trusted-scripts.ts';
import { openSession } from './open-session.ts';
import { SessionProvider } from './session-provider.tsx';
import { isFramed } from './shell/framed.ts';
import { Screen } from './shell/screen.tsx';
import { UpdatePrompt } from './shell/update-prompt.tsx';
import { ErrorBoundary } from './ui/error-boundary.tsx';
import { storedText } from './ui/stored-text.ts';
import { parseEngineChoice } from './volunteer/engine-choice.ts';

trustOwnScripts();
const root = document.getElementById('root');
if (root === null) throw new Error('index.html lacks the element #root.');
if (isFramed()) {
  root.textContent = 'Starling does not run inside another page. Open it in a window of its own.';
} else {
  draw(root);
}

function draw(element: HTMLElement): void {
  const storedEngine = storedText(() => localStorage, 'starling.engine');
  const session = openSession({ base: document.baseURI });
  void session.start();
  createRoot(element).render(
    <ErrorBoundary what="This page">
      <SessionProvider session={session}>
        {/* `?engine=` wins over the choice of an earlier visit. */}
        <Screen
          engine={
            parseEngineChoice(new URLSearchParams(location.search).get('engine') ?? storedEngine.get()) ??
            'auto'
          }
          onEngine={(engine) => storedEngine.set(engine)}
        />
        <UpdatePrompt />
      </SessionProvider>
    </ErrorBoundary>,
  );
}
