/**
 * One tab per browser profile may use the device key. The Web Locks API decides which one, because it frees
 * the lock even when a tab crashes. https://www.w3.org/TR/web-locks/
 */
export interface TabLock {
  /** Whether this tab has the key now. */
  readonly held: boolean;
  /** Takes the key from the tab that has it. There `onLost` is called. */
  takeOver(): Promise<void>;
  release(): void;
}

const NAME = 'starling.device';

/** The part of `navigator.locks` that is used. */
export interface Locks {
  request(
    name: string,
    options: { readonly ifAvailable?: boolean; readonly steal?: boolean },
    callback: (lock: object | null) => Promise<void>,
  ): Promise<void>;
}

/**
 * Tries to get the key for this tab, once. `onLost` is called when another tab takes it over later. Where the
 * browser has no locks, every tab gets it.
 */
export async function claimTab(locks: Locks | undefined, onLost: () => void): Promise<TabLock> {
  let held = locks === undefined;
  let free: () => void = () => undefined;

  const ask = (options: { readonly ifAvailable?: boolean; readonly steal?: boolean }) =>
    new Promise<void>((decided) => {
      if (locks === undefined) return decided();
      locks
        .request(NAME, options, (lock) => {
          held = lock !== null;
          decided();
          if (lock === null) return Promise.resolve();
          return new Promise<void>((done) => {
            free = done;
          });
        })
        .catch(() => {
          // Another tab stole the lock: the browser rejects this request with an AbortError.
          const had = held;
          held = false;
          decided();
          if (had) onLost();
        });
    });

  await ask({ ifAvailable: true });
  return {
    get held() {
      return held;
    },
    takeOver: () => ask({ steal: true }),
    release() {
      held = false;
      free();
    },
  };
}
