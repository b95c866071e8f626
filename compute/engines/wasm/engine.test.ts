import { afterEach, expect, test, vi } from 'vitest';
import type { Program } from '../../repops/program.ts';
import type { Engine } from '../engine.ts';
import { createWasmEngine } from './engine.ts';

const engines: Engine[] = [];
async function start(threads = 1): Promise<Engine> {
  const engine = await createWasmEngine({ threads });
  engines.push(engine);
  return engine;
}
afterEach(async () => {
  vi.unstubAllGlobals();
  for (const engine of engines.splice(0)) await engine.stop();
});

function square(size: number, repeats: number): Program {
  return {
    name: 'square',
    tensors: {
      a: { shape: [size, size], dtype: 'f32', storage: 'bound' },
      ...Object.fromEntries(
        Array.from({ length: repeats }, (_, i) => [
          `c${i}`,
          { shape: [size, size], dtype: 'f32', storage: 'temporary' } as const,
        ]),
      ),
    },
    nodes: Array.from({ length: repeats }, (_, i) => ({
      op: 'matmul' as const,
      attributes: { M: size, N: size, K: size, transposeA: 0, transposeB: 0 },
      inputs: ['a', 'a'],
      outputs: [`c${i}`],
    })),
  };
}

test('memory growth keeps what was written', async () => {
  const engine = await start(2);
  const small = engine.allocate([3], 'f32');
  engine.write(small, Float32Array.of(1, 2, 3));
  const large = engine.allocate([8 * 2 ** 20], 'f32');
  expect(await engine.read(small)).toEqual(Float32Array.of(1, 2, 3));
  expect((await engine.read(large)).length).toBe(8 * 2 ** 20);
});

test.each([1, 2])(
  'an abort ends a long run between steps and the engine goes on, %i threads',
  async (threads) => {
    const engine = await start(threads);
    const a = engine.allocate([512, 512], 'f32');
    const controller = new AbortController();
    const run = engine.run(square(512, 500), { a }, { signal: controller.signal });
    await expect(engine.run(square(8, 1), { a })).rejects.toThrow('A run is in progress');
    controller.abort(new Error('enough'));
    await expect(run).rejects.toThrow('enough');
    await engine.run(square(512, 1), { a });
  },
);

test('without shared memory it computes on one thread and says why', async () => {
  vi.stubGlobal('crossOriginIsolated', false);
  const engine = await start(4);
  expect(engine.description).toBe('wasm SIMD, 1 thread (the page is not cross-origin isolated)');
});

test('where the caller may not block, workers do all of it', async () => {
  const wait = vi.spyOn(Atomics, 'wait').mockImplementation(() => {
    throw new TypeError('Atomics.wait cannot be called in this context');
  });
  const engine = await start(2);
  wait.mockRestore();
  const a = engine.allocate([2, 2], 'f32');
  const c = engine.allocate([2, 2], 'f32');
  engine.write(a, Float32Array.of(1, 2, 3, 4));
  const { a: shape } = square(2, 1).tensors;
  const program: Program = { ...square(2, 1), tensors: { a: shape!, c0: shape! } };
  for (let i = 0; i < 50; i++) await engine.run(program, { a, c0: c });
  expect(await engine.read(c)).toEqual(Float32Array.of(7, 10, 15, 22));
});
