import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../engine.ts';
import { parseTuning, type TunedEngine, type TuningStore, tune } from './tune.ts';
import {
  DEFAULT_TUNING,
  GEMV_CANDIDATES,
  REGISTER_TILE_CANDIDATES,
  SOFTWARE_TUNING,
  TILE_CANDIDATES,
  type Tuning,
} from './tuning.ts';

interface FakeTensor extends Tensor {
  data: Float32Array;
}

/**
 * A device that computes nothing. A run takes as long as `cost` says, and its result is 1, or 2 if `wrong`
 * says so. So the tuner can go only by times and bits.
 */
function fakeDevice(cost: (tuning: Tuning, program: string) => number, wrong: (tuning: Tuning) => boolean) {
  let time = 0;
  let tuning = DEFAULT_TUNING;
  const used: Tuning[] = [];
  let live = 0;
  const engine: TunedEngine = {
    kind: 'webgpu',
    description: 'a device for a test',
    useTuning(next) {
      tuning = next;
      used.push(next);
    },
    allocate(shape, dtype): FakeTensor {
      live += 1;
      return { shape, dtype, data: new Float32Array(1) };
    },
    write: () => undefined,
    read: async (tensor) => (tensor as FakeTensor).data,
    free: () => {
      live -= 1;
    },
    async run(program, bindings) {
      time += cost(tuning, program.name);
      const c = bindings.c as FakeTensor;
      c.data = Float32Array.of(wrong(tuning) ? 2 : 1);
    },
    stop: async () => undefined,
  };
  return { engine, now: () => time, used, tuning: () => tuning, live: () => live };
}

const large = TILE_CANDIDATES[3];
const broken = TILE_CANDIDATES[5];
const gemv = GEMV_CANDIDATES[2];
const cost = (tuning: Tuning, program: string): number => {
  if (program === 'tune 1 x 4864 x 896') return tuning.gemv === gemv ? 1 : 5;
  if (tuning.registerTiled !== undefined) return 20;
  if (program === 'tune 128 x 128 x 4096') return tuning.minTiles === 128 ? 2 : 3;
  return tuning.large === broken ? 1 : tuning.large === large ? 4 : 9;
};
const options = { device: 'card', userAgent: 'browser 1' };

describe('tune', () => {
  it('finds the fastest shapes, rejects one with wrong bits, and leaves nothing allocated', async () => {
    const device = fakeDevice(cost, (tuning) => tuning.large === broken);
    const found = await tune({ ...options, engine: device.engine, now: device.now });
    expect(found.large).toBe(large);
    expect(found.gemv).toBe(gemv);
    expect(found.minTiles).toBe(128);
    expect(device.tuning()).toEqual(found);
    expect(device.live()).toBe(0);
  });

  it('uses tiles in registers if they are faster, and keeps the fastest other tiles', async () => {
    const registerTiled = REGISTER_TILE_CANDIDATES[1];
    const withRegisterTiled = (ms: number) => (tuning: Tuning, program: string) =>
      tuning.registerTiled === registerTiled && tuning.large === broken && program === 'tune 1024 x 896 x 896'
        ? ms
        : cost(tuning, program);
    for (const [ms, expected] of [
      [0.5, registerTiled],
      [5, undefined],
    ] as const) {
      const device = fakeDevice(withRegisterTiled(ms), () => false);
      const found = await tune({ ...options, engine: device.engine, now: device.now });
      expect(found.registerTiled).toBe(expected);
      expect(found.large).toBe(broken);
    }
  });

  it('tries nothing new once its time is over', async () => {
    const device = fakeDevice(cost, () => false);
    const found = await tune({ ...options, engine: device.engine, now: device.now, budgetMs: 30 });
    expect(found).toEqual(DEFAULT_TUNING);
    expect(device.now()).toBeLessThan(100);
  });

  it('remembers by device and browser, and goes on without a store that fails', async () => {
    const kept = new Map<string, string>();
    const store: TuningStore = {
      get: async (key) => kept.get(key),
      set: async (key, value) => void kept.set(key, value),
    };
    const first = fakeDevice(cost, () => false);
    const found = await tune({ ...options, engine: first.engine, now: first.now, store });
    const second = fakeDevice(cost, () => false);
    expect(await tune({ ...options, engine: second.engine, now: second.now, store })).toEqual(found);
    expect(second.now()).toBe(0);
    const other = fakeDevice(cost, () => false);
    await tune({ ...options, userAgent: 'browser 2', engine: other.engine, now: other.now, store });
    expect(other.now()).toBeGreaterThan(0);
    const failing: TuningStore = {
      get: () => Promise.reject(new Error('no')),
      set: () => Promise.reject(new Error('full')),
    };
    const last = fakeDevice(cost, () => false);
    expect(await tune({ ...options, engine: last.engine, now: last.now, store: failing })).toEqual(found);
  });

  it('stops on abort and frees what it took', async () => {
    const controller = new AbortController();
    const device = fakeDevice(
      (tuning, program) => {
        controller.abort(new Error('enough'));
        return cost(tuning, program);
      },
      () => false,
    );
    const { signal } = controller;
    await expect(tune({ ...options, engine: device.engine, now: device.now, signal })).rejects.toThrow(
      'enough',
    );
    expect(device.live()).toBe(0);
  });
});

describe('parseTuning', () => {
  it('reads back what was written', () => {
    expect(parseTuning(JSON.stringify(DEFAULT_TUNING))).toEqual(DEFAULT_TUNING);
    for (const registerTiled of REGISTER_TILE_CANDIDATES) {
      const tuning = { ...DEFAULT_TUNING, registerTiled };
      expect(parseTuning(JSON.stringify(tuning))).toEqual(tuning);
    }
  });

  it.each([
    undefined,
    '',
    'null',
    '{}',
    JSON.stringify({ ...DEFAULT_TUNING, minTiles: 7 }),
    JSON.stringify({ ...DEFAULT_TUNING, large: { ...DEFAULT_TUNING.large, lanesM: 1024 } }),
    JSON.stringify({ ...DEFAULT_TUNING, gemv: null }),
    JSON.stringify(SOFTWARE_TUNING),
  ])('rejects %s', (text) => {
    expect(parseTuning(text)).toBeUndefined();
  });
});
