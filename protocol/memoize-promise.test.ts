import { describe, expect, it } from 'vitest';
import { memoizePromise, PromiseMemo } from './memoize-promise.ts';

describe('PromiseMemo', () => {
  it('loads each key once, for callers at the same time and for later ones', async () => {
    const memo = new PromiseMemo<string, string>();
    let loads = 0;
    const load = async () => `load ${++loads}`;
    const both = [memo.get('a', load), memo.get('a', load)];
    expect(await Promise.all(both)).toEqual(['load 1', 'load 1']);
    expect(await memo.get('a', load)).toBe('load 1');
    expect(await memo.get('b', load)).toBe('load 2');
  });

  it('forgets a rejection, so that the next call tries again', async () => {
    const memo = new PromiseMemo<string, number>();
    const failing = memo.get('a', () => Promise.reject(new Error('offline')));
    await expect(failing).rejects.toThrow('offline');
    expect(await memo.get('a', async () => 7)).toBe(7);
  });

  it('forgets a value that keep refuses', async () => {
    const memo = new PromiseMemo<string, number | undefined>({ keep: (value) => value !== undefined });
    expect(await memo.get('a', async () => undefined)).toBeUndefined();
    expect(await memo.get('a', async () => 7)).toBe(7);
    expect(await memo.get('a', async () => 8)).toBe(7);
  });

  it('keeps no more keys than the limit, the last used ones', async () => {
    const memo = new PromiseMemo<string, string>({ limit: 2 });
    const loaded: string[] = [];
    const get = (key: string) =>
      memo.get(key, async () => {
        loaded.push(key);
        return key;
      });
    for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) await get(key);
    expect(loaded).toEqual(['a', 'b', 'c', 'b']);
  });

  it('does not forget a newer promise when an older one for the key fails', async () => {
    const memo = new PromiseMemo<string, number>();
    let fail = (_reason: Error): void => undefined;
    const old = new Promise<number>((_, reject) => {
      fail = reject;
    });
    const failing = memo.get('a', () => old);
    memo.clear();
    const newer = memo.get('a', async () => 2);
    fail(new Error('late'));
    await expect(failing).rejects.toThrow('late');
    expect(await memo.get('a', async () => 3)).toBe(await newer);
  });
});

describe('memoizePromise', () => {
  it('shares one promise and runs again only after a failure', async () => {
    let calls = 0;
    const load = memoizePromise(async () => {
      if (++calls === 1) throw new Error('not yet');
      return calls;
    });
    await expect(load()).rejects.toThrow('not yet');
    expect(await load()).toBe(2);
    expect(await load()).toBe(2);
  });
});
