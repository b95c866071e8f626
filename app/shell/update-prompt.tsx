import { registerSW } from 'virtual:pwa-register';
import { useEffect, useState } from 'react';
import { Button } from '../ui/button.tsx';
import { isBusy } from '../volunteer/phase.ts';
import { useView } from '../volunteer/volunteer-context.tsx';

/**
 * Offers a new version of the page. It never reloads by itself, because that would lose the step in progress.
 */
export function UpdatePrompt() {
  const busy = useView((view) => isBusy(view.phase));
  const [update, setUpdate] = useState<(() => void) | null>(null);
  useEffect(() => {
    const apply = registerSW({ onNeedRefresh: () => setUpdate(() => () => void apply(true)) });
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
