import { describe, expect, it } from 'vitest';
import { storedText } from './stored-text.ts';

function memory(): Storage {
  const texts = new Map<string, string>();
  return {
    getItem: (key: string) => texts.get(key) ?? null,
    setItem: (key: string, text: string) => void texts.set(key, text),
    removeItem: (key: string) => void texts.delete(key),
  } as Storage;
}

describe('storedText', () => {
  it('keeps a text until it is deleted', () => {
    const storage = memory();
    const text = storedText(() => storage, 'a');
    expect(text.get()).toBeNull();
    text.set('one');
    expect(storedText(() => storage, 'a').get()).toBe('one');
    expect(storedText(() => storage, 'b').get()).toBeNull();
    text.set(null);
    expect(text.get()).toBeNull();
  });

  it('is empty and never throws where the browser blocks storage', () => {
    const blocked = storedText(() => {
      throw new DOMException('The operation is insecure.', 'SecurityError');
    }, 'a');
    blocked.set('one');
    blocked.set(null);
    expect(blocked.get()).toBeNull();
  });
});
