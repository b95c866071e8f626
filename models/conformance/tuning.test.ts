import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tensor } from '../../compute/engines/engine.ts';
import { createWasmEngine, type WasmEngine } from '../../compute/engines/wasm/engine.ts';
import { openDawnAdapter, SWIFTSHADER_ICD } from '../../compute/engines/webgpu/device/dawn.ts';
import { openWebGpuEngine, type WebGpuEngine } from '../../compute/engines/webgpu/engine.ts';
import { planProgram } from '../../compute/engines/webgpu/plan/plan.ts';
import {
  DEFAULT_TUNING,
  GEMV_CANDIDATES,
  REGISTER_TILE_CANDIDATES,
  TILE_CANDIDATES,
  type TileShape,
  type Tuning,
  tileBytes,
  tileSides,
} from '../../compute/engines/webgpu/tuning/tuning.ts';
import type { Program } from '../../compute/repops/program.ts';
import { NANO_CONFIG } from '../decoder/config.ts';
import { trainingProgram } from '../decoder/decoder.ts';
import { initialParameters } from '../decoder/initialize.ts';
import { ModelSession } from '../decoder/model-session.ts';

interface Product {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly transposeA: 0 | 1;
  readonly transposeB: 0 | 1;
  readonly dtype: 'f32' | 'bf16';
}

function programOf({ M, N, K, transposeA, transposeB, dtype }: Product): Program {
  return {
    name: 'product',
    tensors: {
      a: { shape: transposeA === 1 ? [K, M] : [M, K], dtype: 'f32', storage: 'bound' },
      b: { shape: transposeB === 1 ? [N, K] : [K, N], dtype, storage: 'bound' },
      c: { shape: [M, N], dtype: 'f32', storage: 'bound' },
    },
    nodes: [
      {
        op: 'matmul',
        attributes: { M, N, K, transposeA, transposeB },
        inputs: ['a', 'b'],
        outputs: ['c'],
      },
    ],
  };
}

/** Values of all sizes and both signs, so that another order of summing shows. */
function values(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    const random = Math.imul(i + seed, 0x9e3779b1);
    return (random % 1000) * 2 ** ((random >>> 8) % 12);
  });
}

async function compute(engine: WebGpuEngine | WasmEngine, product: Product): Promise<unknown> {
  const { M, N, K, dtype } = product;
  const program = programOf(product);
  const bindings: Record<string, Tensor> = {};
  for (const [name, spec] of Object.entries(program.tensors)) {
    bindings[name] = engine.allocate(spec.shape, spec.dtype);
  }
  const { a, b, c } = bindings;
  if (a === undefined || b === undefined || c === undefined) throw new Error('unbound');
  engine.write(a, values(M * K, 1));
  const right = values(N * K, 2);
  // The upper halves of an f32's bits are a bf16.
  engine.write(
    b,
    dtype === 'f32' ? right : Uint16Array.from(new Uint32Array(right.buffer), (bits) => bits >>> 16),
  );
  await engine.run(program, bindings);
  const result = await engine.read(c);
  for (const tensor of Object.values(bindings)) engine.free(tensor);
  return result;
}

describe('shapes to try', () => {
  it('fit every WebGPU device', () => {
    for (const shape of [...TILE_CANDIDATES, DEFAULT_TUNING.large, DEFAULT_TUNING.small]) {
      expect(tileBytes(shape)).toBeLessThanOrEqual(16384);
      expect(shape.lanesM * shape.lanesN).toBeLessThanOrEqual(256);
      expect(64 % shape.step).toBe(0);
    }
    for (const { lanes } of REGISTER_TILE_CANDIDATES) expect(lanes).toBeLessThanOrEqual(256);
    for (const { lanesN, lanesK } of GEMV_CANDIDATES) expect(lanesN * lanesK).toBeLessThanOrEqual(256);
  });
});

describe.skipIf(!existsSync(SWIFTSHADER_ICD))('tuned products (needs SwiftShader)', () => {
  process.env.XDG_RUNTIME_DIR ??= tmpdir();
  let gpu: GPU;
  let engine: WebGpuEngine;
  let judge: WasmEngine;

  beforeAll(async () => {
    const opened = await openDawnAdapter({ vulkanDriver: SWIFTSHADER_ICD });
    gpu = opened.gpu;
    let time = 0;
    engine = await openWebGpuEngine(opened.adapter, {
      clock: {
        // Whatever lies between two looks at the clock takes 2 ms.
        now: () => {
          time += 2;
          return time;
        },
        sleep: async (ms) => {
          time += ms;
        },
      },
    });
    judge = await createWasmEngine();
  });
  afterAll(async () => {
    await judge.stop();
    await engine.stop();
    expect(gpu).toBeDefined();
  });

  const flag = fc.constantFrom<0 | 1>(0, 1);
  const size = fc.oneof(
    fc.integer({ min: 9, max: 70 }),
    fc.integer({ min: 3, max: 17 }).map((n) => 4 * n),
  );
  const product = fc.record({
    M: size,
    N: size,
    K: fc.oneof(fc.integer({ min: 1, max: 260 }), fc.constantFrom(64, 128, 192, 260)),
    transposeA: flag,
    transposeB: flag,
    dtype: fc.constantFrom('f32' as const, 'bf16' as const),
  });

  // First: an engine keeps what larger programs took.
  it('take the memory that was predicted', async () => {
    const program = trainingProgram(NANO_CONFIG, { batch: 2, length: 8, objective: 'supervised' });
    for (const each of [engine, judge]) {
      const need = each.predict(program);
      const bindings: Record<string, Tensor> = {};
      for (const [name, spec] of Object.entries(program.tensors)) {
        if (spec.storage === 'bound') bindings[name] = each.allocate(spec.shape, spec.dtype);
      }
      expect(each.memory().tensors).toBe(need.tensors);
      await each.run(program, bindings);
      expect(each.memory().temporaries).toBe(need.temporaries);
      for (const tensor of Object.values(bindings)) each.free(tensor);
      expect(each.memory().tensors).toBe(0);
      expect(each.memory().peak).toBe(need.tensors + need.temporaries);
    }
  });

  it('are part of a training step that has the same bits cut into submissions', async () => {
    const parameters = initialParameters({
      config: NANO_CONFIG,
      draw: (tensor, element, part) => Math.imul(tensor * 7919 + element * 31 + part, 0x9e3779b1) >>> 0,
      deviation: 0.05,
    });
    const tokens = Array.from({ length: 16 }, (_, i) => (i * 7) % NANO_CONFIG.vocabulary);
    const batch = { batch: 2, length: 8, tokens, targets: tokens, weights: tokens.map(() => 1 / 16) };
    const step = async (on: WebGpuEngine | WasmEngine) => {
      const session = await ModelSession.create({ engine: on, config: NANO_CONFIG, parameters });
      const result = await session.step({ ...batch, learningRate: 1e-3 });
      const { parameters: after } = await session.snapshot();
      await session.dispose();
      return { result, after };
    };
    engine.setShare(0.25);
    const cut = await step(engine);
    expect(engine.submissions).toBeGreaterThan(1);
    engine.setShare(1);
    expect(cut).toEqual(await step(judge));
  });

  it('have the same bits in tiles of every shape', async () => {
    // Small in workgroup memory, which SwiftShader is slow to compile; larger tiles differ in numbers alone.
    const shape: fc.Arbitrary<TileShape> = fc
      .record({
        rows4: fc.constantFrom(1, 2),
        cols4: fc.constantFrom(1, 2),
        lanesM: fc.constantFrom(1, 2, 4),
        lanesN: fc.constantFrom(2, 3, 4),
        step: fc.constantFrom(8, 16, 32),
      })
      .filter((tile) => tileBytes(tile) <= 2048);
    await fc.assert(
      fc.asyncProperty(shape, flag, product, async (tile, divided, what) => {
        const [m, n] = tileSides(tile);
        const count = Math.ceil(what.M / m) * Math.ceil(what.N / n);
        engine.useTuning({ ...DEFAULT_TUNING, large: tile, small: tile, minTiles: count + divided });
        expect(await compute(engine, what)).toEqual(await compute(judge, what));
      }),
      { numRuns: 4 },
    );
  });

  it('have the same bits without workgroup memory', async () => {
    const registerTiled = fc.record({
      rows: fc.constantFrom(1, 3, 8),
      cols: fc.constantFrom(1, 2, 8),
      lanes: fc.constantFrom(1, 4, 16),
    });
    await fc.assert(
      fc.asyncProperty(registerTiled, product, async (shape, what) => {
        engine.useTuning({ ...DEFAULT_TUNING, minTiles: 1, registerTiled: shape });
        expect(await compute(engine, what)).toEqual(await compute(judge, what));
      }),
      { numRuns: 12 },
    );
  });

  it('have the same bits for few rows, however the folds are spread over invocations', async () => {
    const gemv = fc.record({ lanesN: fc.constantFrom(2, 5, 16), lanesK: fc.constantFrom(1, 3, 4) });
    await fc.assert(
      fc.asyncProperty(gemv, fc.integer({ min: 1, max: 8 }), product, async (shape, M, what) => {
        engine.useTuning({ ...DEFAULT_TUNING, gemv: shape });
        expect(await compute(engine, { ...what, M })).toEqual(await compute(judge, { ...what, M }));
      }),
      { numRuns: 6 },
    );
  });

  it('have the same bits where a fold goes on in another dispatch', async () => {
    engine.useTuning({ ...DEFAULT_TUNING, minTiles: 1 });
    const K = 50_000;
    const shared = { K, transposeA: 0, transposeB: 1 } as const;
    // In fours and not, of many rows and of few.
    const products: readonly Product[] = [
      { ...shared, M: 12, N: 8, dtype: 'f32' },
      { ...shared, M: 9, N: 6, transposeA: 1, transposeB: 0, dtype: 'bf16' },
      { ...shared, K: 6 * K, M: 7, N: 3, transposeB: 0, dtype: 'f32' },
      { ...shared, K: 6 * K, M: 7, N: 3, dtype: 'bf16' },
    ];
    for (const what of products) {
      const { steps } = planProgram(programOf(what), { ...DEFAULT_TUNING, minTiles: 1 });
      expect(steps.length).toBeGreaterThan(1);
      expect(await compute(engine, what)).toEqual(await compute(judge, what));
    }
  });

  it('have the same bits cut into submissions', async () => {
    const tuning: Tuning = { ...DEFAULT_TUNING, minTiles: 1 };
    engine.useTuning(tuning);
    const what: Product = { M: 300, N: 297, K: 70, transposeA: 0, transposeB: 1, dtype: 'f32' };
    const whole = await compute(engine, what);
    expect(engine.submissions).toBe(1);
    engine.setShare(0.5);
    expect(await compute(engine, what)).toEqual(whole);
    // 100 tiles, of which the first submission tries 64.
    expect(engine.submissions).toBe(2);
    engine.setShare(1);
    expect(await compute(judge, what)).toEqual(whole);
  });
});
