import { afterEach, expect, test, vi } from 'vitest';
import type { Program } from '../../repops/program.ts';
import { ProgramError } from '../../repops/program-error.ts';
import { type Engine, EngineError } from '../engine.ts';
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

const EMBED: Program = {
  name: 'look-up',
  tensors: {
    ids: { shape: [3], dtype: 'u32', storage: 'bound' },
    table: { shape: [4, 5], dtype: 'f32', storage: 'bound' },
    y: { shape: [3, 5], dtype: 'f32', storage: 'bound' },
  },
  nodes: [{ op: 'embed', attributes: { N: 3, V: 4, D: 5 }, inputs: ['ids', 'table'], outputs: ['y'] }],
};

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

test.each([1, 2])('an index out of range is an error and the engine goes on, %i threads', async (threads) => {
  const engine = await start(threads);
  const bindings = {
    ids: engine.allocate([3], 'u32'),
    table: engine.allocate([4, 5], 'f32'),
    y: engine.allocate([3, 5], 'f32'),
  };
  engine.write(
    bindings.table,
    Float32Array.from({ length: 20 }, (_, i) => i),
  );
  engine.write(bindings.ids, Uint32Array.of(0, 4, 1));
  await expect(engine.run(EMBED, bindings)).rejects.toThrow(ProgramError);
  await expect(engine.run(EMBED, bindings)).rejects.toThrow('look-up, node 0 (embed)');
  engine.write(bindings.ids, Uint32Array.of(3, 0, 1));
  await engine.run(EMBED, bindings);
  expect([...(await engine.read(bindings.y))]).toEqual([15, 16, 17, 18, 19, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('new tensors are zero, also where a freed one was', async () => {
  const engine = await start();
  const first = engine.allocate([100], 'f32');
  engine.write(first, new Float32Array(100).fill(7));
  engine.free(first);
  const second = engine.allocate([100], 'f32');
  expect(await engine.read(second)).toEqual(new Float32Array(100));
  expect(() => engine.write(first, new Float32Array(100))).toThrow(EngineError);
});

test('write refuses another length or type', async () => {
  const engine = await start();
  const tensor = engine.allocate([2, 3], 'f32');
  expect(() => engine.write(tensor, new Float32Array(5))).toThrow('holds 6 f32');
  expect(() => engine.write(tensor, new Uint32Array(6))).toThrow(EngineError);
});

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

test('a program is validated before it runs', async () => {
  const engine = await start();
  const program: Program = { ...EMBED, nodes: [{ ...EMBED.nodes[0]!, attributes: { N: 3, V: 400, D: 5 } }] };
  const bindings = {
    ids: engine.allocate([3], 'u32'),
    table: engine.allocate([4, 5], 'f32'),
    y: engine.allocate([3, 5], 'f32'),
  };
  await expect(engine.run(program, bindings)).rejects.toThrow(ProgramError);
  await expect(engine.run(EMBED, { ...bindings, y: engine.allocate([3, 4], 'f32') })).rejects.toThrow(
    ProgramError,
  );
});

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

test('after stop every call is refused', async () => {
  const engine = await start();
  await engine.stop();
  await engine.stop();
  expect(() => engine.allocate([1], 'f32')).toThrow('stopped');
});
