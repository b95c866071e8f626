/**
 * The products of Qwen2.5-0.5B on the processor: RepOps' wasm engine beside onnxruntime-web's wasm provider,
 * with 1 and 2 threads, in turns.
 */
import type { InferenceSession } from 'onnxruntime-web/wasm';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { type Benchmark, compared } from '../benchmark.ts';
import { matmulModel } from '../onnx-matmul.ts';
import { contest } from './contest.ts';
import type { Kit } from './kit.ts';
import { qwenProducts } from './products.ts';
import { engineKit } from './starling.ts';

const OURS = 'Starling';
const THREADS = [1, 2] as const;

export const wasmPeers: Benchmark = {
  name: 'wasm-peers',
  async *run({ signal, note }) {
    // One count after the other: idle threads of a pool that wait by spinning would take the others'
    // processor.
    for (const threads of THREADS) {
      const kits = [
        engineKit(OURS, await createWasmEngine({ threads })),
        await onnxruntimeWasmKit(
          `onnxruntime-web wasm, ${threads === 1 ? '1 thread' : `${threads} threads`}`,
          threads,
        ),
      ];
      try {
        const products = qwenProducts('small');
        for await (const { product, rates } of contest({
          products,
          kits,
          rounds: 7,
          turnMs: 50,
          restMs: 50,
        })) {
          signal.throwIfAborted();
          const own = rates[OURS];
          for (const [kit, rate] of Object.entries(rates)) {
            if ('refused' in rate) note(`${product}: ${kit} left out: ${rate.refused}`);
            else if (kit !== OURS && own !== undefined && 'gflops' in own) {
              yield compared(`wasm-peers/${product}/threads-${threads}`, 'GFLOP/s', own.gflops, {
                name: kit,
                value: rate.gflops,
              });
            }
          }
        }
      } finally {
        for (const kit of kits) await kit.close();
      }
    }
  },
};

async function onnxruntimeWasmKit(name: string, threads: number): Promise<Kit> {
  // The library has one count of threads for good, and two entries that know nothing of one another. Only the
  // one for Node starts threads.
  const ort = threads === 1 ? await import('onnxruntime-web/wasm') : await import('onnxruntime-web');
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = threads;
  return {
    name,
    async prepare({ M, N, K }, { a, b }) {
      const session: InferenceSession = await ort.InferenceSession.create(matmulModel(M, N, K), {
        executionProviders: ['wasm'],
      });
      const feeds = { a: new ort.Tensor('float32', a, [M, K]), b: new ort.Tensor('float32', b, [K, N]) };
      return {
        async run(times) {
          for (let i = 0; i < times; i++) await session.run(feeds);
        },
        async result() {
          const { c } = await session.run(feeds);
          return c?.data instanceof Float32Array ? c.data : new Float32Array();
        },
        close: () => session.release(),
      };
    },
    async close() {},
  };
}
