import { describe, expect, it } from 'vitest';
import { contributingMemory, shareMemory, swarmMemory } from './volunteer-memory.ts';

function stored(text: string | null) {
  let kept = text;
  return {
    get: () => kept,
    set: (next: string | null) => {
      kept = next;
    },
  };
}

describe('what a volunteer remembers', () => {
  it('is an engine while this tab contributes', () => {
    const text = stored(null);
    const memory = contributingMemory(text);
    expect(memory.get()).toBeNull();
    memory.set('wasm');
    expect([text.get(), memory.get()]).toEqual(['wasm', 'wasm']);
    memory.set(null);
    expect(text.get()).toBeNull();
    expect(contributingMemory(stored('a faster one')).get()).toBeNull();
  });

  it('is the swarm that it joins', () => {
    const text = stored(null);
    const memory = swarmMemory(text);
    expect(memory.get()).toBeNull();
    memory.set(12);
    expect([text.get(), memory.get()]).toEqual(['12', 12]);
    memory.set(null);
    expect(text.get()).toBeNull();
    expect(swarmMemory(stored('the first')).get()).toBeNull();
  });

  it.each([
    [null, 1],
    ['0.5', 0.5],
    ['0', 1],
    ['7', 1],
    ['much', 1],
  ])('is the share of the device: %j means %d', (text, share) => {
    expect(shareMemory(stored(text)).get()).toBe(share);
  });
});
