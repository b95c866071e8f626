import { registerSW } from 'virtual:pwa-register';
import { useEffect, useState } from 'react';
import { Button } from '../ui/button.tsx';
import { storedText } from '../ui/stored-text.ts';
import { isBusy } from '../volunteer/phase.ts';
import { useView } from '../volunteer/volunteer-context.tsx';
import { isolatePage } from './isolation.ts';

/** What tells that a person has begun something here. */
const ACTS = ['pointerdown', 'keydown', 'drop'] as const;

/**
 * Offers a new version of the page. It never reloads by itself, because that would lose the step in progress.
 */
export function UpdatePrompt() {
  const busy = useView((view) => isBusy(view.phase));
  const [update, setUpdate] = useState<(() => void) | null>(null);
  useEffect(() => {
    const apply = registerSW({ onNeedRefresh: () => setUpdate(() => () => void apply(true)) });
    // Only over https or on this machine is there a service worker.
    if (!('serviceWorker' in navigator)) return undefined;
    let acted = false;
    const act = () => {
      acted = true;
    };
    for (const type of ACTS) addEventListener(type, act, { once: true, capture: true });
    void isolatePage({
      isolated: crossOriginIsolated,
      workerReady: navigator.serviceWorker.ready,
      tried: storedText(() => sessionStorage, 'starling.isolation-tried'),
      hasActed: () => acted,
      reload: () => location.reload(),
    });
    return () => {
      for (const type of ACTS) removeEventListener(type, act, { capture: true });
    };
  }, []);
  if (update === null) return null;
  return (
    <div
      role="status"
      data-testid="update"
      className="fixed inset-x-4 bottom-4 z-10 mx-auto flex max-w-xl flex-wrap items-center justify-between gap-3 rounded-2xl border border-line bg-raised px-5 py-4 shadow-lg"
    >
      <p className="text-note">
        A new version of this page is ready.
        {busy ? ' Updating reloads the tab; it goes on from the last finished round.' : ''}
      </p>
      <div className="flex gap-2">
        <Button look="small" onClick={() => setUpdate(null)}>
          Later
        </Button>
        <Button look="small" onClick={update}>
          Update now
        </Button>
      </div>
    </div>
  );
}
