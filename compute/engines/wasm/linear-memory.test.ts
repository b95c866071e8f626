import { expect, test } from 'vitest';
import { EngineMemoryError } from '../engine.ts';
import { generator } from '../testing/generator.ts';
import { LinearMemory } from './linear-memory.ts';

const fresh = (maximum = 64): LinearMemory =>
  new LinearMemory(new WebAssembly.Memory({ initial: 1, maximum }), 4096);

test('blocks are aligned, do not overlap, and freed ones are used again', () => {
  const memory = fresh();
  const random = generator(5);
  const live = new Map<number, number>();
  for (let i = 0; i < 3000; i++) {
    if (live.size > 0 && random() < 0.5) {
      const [address, bytes] = [...live][Math.floor(random() * live.size)]!;
      live.delete(address);
      memory.free(address, bytes);
      continue;
    }
    const bytes = 1 + Math.floor(random() * 5000);
    const address = memory.allocate(bytes);
    expect(address % 64).toBe(0);
    for (const [other, length] of live)
      expect(address + bytes <= other || other + length <= address).toBe(true);
    live.set(address, bytes);
  }
  for (const [address, bytes] of live) memory.free(address, bytes);
  // Everything is one free block again: the first address serves the largest request.
  expect(memory.allocate(2 ** 21)).toBe(4096);
});

test('growth past the maximum is refused with the remedy, and smaller requests still work', () => {
  const memory = fresh(4);
  expect(() => memory.allocate(10 * 65536)).toThrow(EngineMemoryError);
  expect(() => memory.allocate(10 * 65536)).toThrow(/smaller batch/);
  expect(memory.allocate(2 * 65536)).toBe(4096);
});
