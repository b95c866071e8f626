import { describe, expect, it } from 'vitest';
import { tabMemory } from './tab-memory.ts';

describe('tabMemory', () => {
  it('asks the browser once for calls at a time, and again later', async () => {
    let asked = 0;
    const measure = tabMemory({ measureUserAgentSpecificMemory: async () => ({ bytes: 1_000 * ++asked }) });
    expect(await Promise.all([measure(), measure()])).toEqual([1_000, 1_000]);
    expect(await measure()).toBe(2_000);
  });

  it('knows nothing where the browser cannot tell, and asks it again', async () => {
    expect(await tabMemory({})()).toBeNull();
    let asked = 0;
    const measure = tabMemory({
      async measureUserAgentSpecificMemory() {
        asked++;
        throw new DOMException('The page is not isolated.', 'SecurityError');
      },
    });
    expect([await measure(), await measure(), asked]).toEqual([null, null, 2]);
  });
});
