import { describe, expect, it } from 'vitest';
import { claimTab, type Locks } from './one-tab.ts';

/** Locks as the Web Locks specification has them, for one name, among tabs that share this object. */
function sharedLocks(): Locks {
  let holder: { readonly steal: () => void } | null = null;
  return {
    request(_name, options, callback) {
      if (holder !== null && options.steal !== true) return callback(null);
      holder?.steal();
      return new Promise((resolve, reject) => {
        const me = { steal: () => reject(new DOMException('The lock was stolen.', 'AbortError')) };
        holder = me;
        callback({}).then(() => {
          if (holder === me) holder = null;
          resolve();
        }, reject);
      });
    },
  };
}

describe('one tab', () => {
  it('gives the first tab the key and the second none', async () => {
    const locks = sharedLocks();
    const first = await claimTab(locks, () => undefined);
    const second = await claimTab(locks, () => undefined);
    expect([first.held, second.held]).toEqual([true, false]);
  });

  it('frees the key when the tab lets go', async () => {
    const locks = sharedLocks();
    const first = await claimTab(locks, () => undefined);
    first.release();
    await Promise.resolve();
    await Promise.resolve();
    expect(first.held).toBe(false);
    expect((await claimTab(locks, () => undefined)).held).toBe(true);
  });

  it('moves the key on request and tells the tab that had it', async () => {
    const locks = sharedLocks();
    let told = 0;
    const first = await claimTab(locks, () => {
      told += 1;
    });
    const second = await claimTab(locks, () => undefined);
    await second.takeOver();
    await new Promise((resolve) => setTimeout(resolve));
    expect([first.held, second.held, told]).toEqual([false, true, 1]);
    await first.takeOver();
    expect(first.held).toBe(true);
  });

  it('lets every tab have it where the browser has no locks', async () => {
    expect((await claimTab(undefined, () => undefined)).held).toBe(true);
  });
});
