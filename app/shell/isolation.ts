import type { StoredText } from '../ui/stored-text.ts';

/** What isolating the page needs of the browser. */
export interface IsolationHost {
  readonly isolated: boolean;
  /** Resolves when the service worker is at work. */
  readonly workerReady: Promise<unknown>;
  /** Kept for this tab: whether it was reloaded for this reason. */
  readonly tried: StoredText;
  /** Whether the person has clicked or typed here. */
  hasActed(): boolean;
  reload(): void;
}

/**
 * Loads the page once more when its service worker is at work, so that the worker's headers isolate it where
 * the server sent none. Never twice, so that a browser that cannot isolate it shows the page with one thread;
 * and never when the person has begun something, which a reload would end: then the next visit is isolated.
 */
export async function isolatePage(host: IsolationHost): Promise<void> {
  if (host.isolated) {
    host.tried.set(null);
    return;
  }
  await host.workerReady;
  if (host.tried.get() !== null || host.hasActed()) return;
  host.tried.set('yes');
  // Without memory of it, the page might load again and again.
  if (host.tried.get() !== null) host.reload();
}
