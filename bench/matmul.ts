/**
 * Matrix product of every engine against onnxruntime-web's wasm provider: same shapes, same process, in
 * turns.
 */
import * as ort from 'onnxruntime-web/wasm';
import type { Engine } from '../compute/engines/engine.ts';
import { createReferenceEngine } from '../compute/engines/reference.ts';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import type { Program } from '../compute/repops/program.ts';
import { type Benchmark, type BenchmarkContext, compared, type Measurement } from './benchmark.ts';
import { gpuEngine } from './gpu.ts';
import { type Contestant, interleave } from './interleave.ts';
import { matmulModel } from './onnx-matmul.ts';

interface Shape {
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/**
 * Products of one nano training step at 32 x 64 tokens, forward and backward, a decode step of 32 rows, and
 * squares.
 */
const SHAPES: readonly Shape[] = [
  { M: 32, N: 64, K: 64 },
  { M: 2048, N: 64, K: 64 },
  { M: 2048, N: 172, K: 64 },
  { M: 2048, N: 64, K: 172 },
  { M: 64, N: 172, K: 2048 },
  { M: 256, N: 256, K: 256 },
  { M: 512, N: 512, K: 512 },
];

/** The reference engine takes seconds beyond this many multiply-adds, the software GPU tenths of a second. */
const REFERENCE_LIMIT = 200_000;

export const matmul: Benchmark = {
  name: 'matmul',
  async *run(context) {
    const peerName = `onnxruntime-web ${ort.env.versions.web} wasm, 1 thread`;
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = 'error';
    const engines = await startEngines(context);
    try {
      for (const shape of SHAPES) yield* measure(shape, engines, peerName, context);
    } finally {
      for (const { engine } of engines) await engine.stop();
    }
  },
};

interface Entry {
  readonly name: string;
  readonly engine: Engine;
}

async function startEngines(context: BenchmarkContext): Promise<Entry[]> {
  const engines: Entry[] = [
    { name: 'wasm-1', engine: await createWasmEngine({ threads: 1 }) },
    { name: 'wasm-2', engine: await createWasmEngine({ threads: 2 }) },
    { name: 'reference', engine: createReferenceEngine() },
  ];
  const gpu = await gpuEngine(context);
  if (gpu !== undefined) engines.push(gpu);
  return engines;
}

async function* measure(
  shape: Shape,
  engines: readonly Entry[],
  peerName: string,
  context: BenchmarkContext,
): AsyncIterable<Measurement> {
  const { M, N, K } = shape;
  const a = operand(M * K, 1);
  const b = operand(K * N, 2);
  const entries = engines.filter(({ name }) => name !== 'reference' || M * N * K <= REFERENCE_LIMIT);
  const peer = await peerContestant(shape, a, b);
  const contestants = [
    peer,
    ...entries.map(({ name, engine }) => engineContestant(name, engine, shape, a, b)),
  ];
  try {
    const times = await interleave(contestants, { signal: context.signal });
    const rate = (ms: number): number => (2 * M * N * K) / ms / 1e6;
    const peerValue = rate(times[0] ?? Number.NaN);
    for (const [i, { name }] of entries.entries()) {
      const value = rate(times[i + 1] ?? Number.NaN);
      yield compared(`matmul/${name}/${M}x${N}x${K}`, 'GFLOP/s', value, { name: peerName, value: peerValue });
    }
  } finally {
    for (const contestant of contestants) await contestant.close();
  }
}

interface ClosableContestant extends Contestant {
  close(): Promise<void>;
}

/** Like the peer's run, a turn brings both operands in and the product out. */
function engineContestant(
  name: string,
  engine: Engine,
  { M, N, K }: Shape,
  a: Float32Array,
  b: Float32Array,
): ClosableContestant {
  const program: Program = {
    name: 'matmul',
    tensors: {
      a: { shape: [M, K], dtype: 'f32', storage: 'bound' },
      b: { shape: [K, N], dtype: 'f32', storage: 'bound' },
      c: { shape: [M, N], dtype: 'f32', storage: 'bound' },
    },
    nodes: [
      {
        op: 'matmul',
        attributes: { M, N, K, transposeA: 0, transposeB: 0 },
        inputs: ['a', 'b'],
        outputs: ['c'],
      },
    ],
  };
  const bindings = {
    a: engine.allocate([M, K], 'f32'),
    b: engine.allocate([K, N], 'f32'),
    c: engine.allocate([M, N], 'f32'),
  };
  return {
    name,
    async run() {
      engine.write(bindings.a, a);
      engine.write(bindings.b, b);
      await engine.run(program, bindings);
      await engine.read(bindings.c);
    },
    async close() {
      for (const tensor of Object.values(bindings)) engine.free(tensor);
    },
  };
}

async function peerContestant(
  { M, N, K }: Shape,
  a: Float32Array,
  b: Float32Array,
): Promise<ClosableContestant> {
  const session = await ort.InferenceSession.create(matmulModel(M, N, K), { executionProviders: ['wasm'] });
  const feeds = { a: new ort.Tensor('float32', a, [M, K]), b: new ort.Tensor('float32', b, [K, N]) };
  return {
    name: 'peer',
    async run() {
      await session.run(feeds);
    },
    close: () => session.release(),
  };
}

/** Small whole numbers: on the operand lattice, so the peer computes the same product. */
function operand(length: number, seed: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => ((Math.imul(i + seed, 0x9e3779b1) >>> 24) - 128) / 64);
}
