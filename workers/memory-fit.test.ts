import { describe, expect, it } from 'vitest';
import { memoryFit } from './memory-fit.ts';

const parts = (total: number) => ({
  weights: total,
  optimizer: 0,
  prepacked: 0,
  bound: 0,
  activations: 0,
  total,
});
const GIB = 2 ** 30;

describe('memoryFit', () => {
  it('compares with what the browser says of the device', () => {
    const fit = (total: number, deviceMemory: number | undefined) =>
      memoryFit({ parts: parts(total), engine: 'wasm', deviceMemory });
    expect(fit(GIB, 8)).toMatchObject({ level: 'good', limit: { kind: 'device', atLeast: true } });
    expect(fit(GIB, 1)).toMatchObject({ level: 'stop', limit: { kind: 'device', atLeast: false } });
    expect(fit(0.7 * GIB, 1).level).toBe('tight');
    expect(fit(GIB, undefined)).toMatchObject({ level: 'good', limit: { kind: 'unknown' } });
  });

  it('holds WebAssembly to its addresses, and a GPU not', () => {
    const fit = (engine: 'wasm' | 'webgpu' | 'auto') =>
      memoryFit({ parts: parts(5 * GIB), engine, deviceMemory: 8 });
    expect(fit('wasm')).toMatchObject({ level: 'stop', limit: { kind: 'wasm', bytes: 4 * GIB } });
    expect(fit('auto').level).toBe('stop');
    expect(fit('webgpu').level).toBe('tight');
  });

  it('counts the gaps between temporaries', () => {
    const { need } = memoryFit({
      parts: { ...parts(1000), activations: 400 },
      engine: 'wasm',
      deviceMemory: 8,
    });
    expect(need).toBe(1100 + (1 << 17));
  });
});
