import { useEffect, useState, useSyncExternalStore } from 'react';
import { usePort } from '../volunteer/volunteer-context.tsx';
import type { Desk } from './jobs-controller.ts';
import { type DeskView, EMPTY_DESK } from './jobs-view.ts';

export type OpenedDesk =
  | { readonly kind: 'opening' }
  | { readonly kind: 'failed'; readonly cause: string }
  | { readonly kind: 'open'; readonly desk: Desk };

/** This tab's desk, opened when a screen first needs it. */
export function useDesk(): OpenedDesk {
  const port = usePort();
  const [opened, setOpened] = useState<OpenedDesk>({ kind: 'opening' });
  useEffect(() => {
    let current = true;
    port.desk().then(
      (desk) => {
        if (current) setOpened({ kind: 'open', desk });
      },
      (error: unknown) => {
        const cause = error instanceof Error ? error.message : String(error);
        if (current) setOpened({ kind: 'failed', cause });
      },
    );
    return () => {
      current = false;
    };
  }, [port]);
  return opened;
}

/** What the desk knows now. */
export function useDeskView(desk: Desk): DeskView {
  return useSyncExternalStore(
    (listener) => desk.subscribe(listener),
    () => desk.view,
    () => EMPTY_DESK,
  );
}
