import { describe, expect, it } from 'vitest';
import { type IsolationHost, isolatePage } from './isolation.ts';

/** A tab whose memory outlives its reloads. */
function tab(changes: Partial<IsolationHost> = {}) {
  let memory: string | null = null;
  let reloads = 0;
  const host: IsolationHost = {
    isolated: false,
    workerReady: Promise.resolve(),
    tried: {
      get: () => memory,
      set: (text) => {
        memory = text;
      },
    },
    hasActed: () => false,
    reload: () => reloads++,
    ...changes,
  };
  return { host, reloads: () => reloads };
}

describe('isolatePage', () => {
  it('loads the page once more when the service worker is at work, and never twice', async () => {
    const { host, reloads } = tab();
    await isolatePage(host);
    expect(reloads()).toBe(1);
    await isolatePage(host);
    expect(reloads()).toBe(1);
  });

  it('may do so again after the page was isolated', async () => {
    const { host, reloads } = tab();
    await isolatePage(host);
    await isolatePage({ ...host, isolated: true });
    await isolatePage(host);
    expect(reloads()).toBe(2);
  });

  it('does nothing where the server isolates the page', async () => {
    const { host, reloads } = tab({ isolated: true, workerReady: new Promise(() => undefined) });
    await isolatePage(host);
    expect(reloads()).toBe(0);
  });

  it('does not take from a person what was begun', async () => {
    const { host, reloads } = tab({ hasActed: () => true });
    await isolatePage(host);
    expect(reloads()).toBe(0);
  });

  it('does not load again where the browser keeps nothing, which would never end', async () => {
    const { host, reloads } = tab({ tried: { get: () => null, set: () => undefined } });
    await isolatePage(host);
    expect(reloads()).toBe(0);
  });
});
