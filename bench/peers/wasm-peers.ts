/**
 * The products of Qwen2.5-0.5B on the processor: RepOps' wasm engine beside onnxruntime-web's wasm provider,
 * with 1 and 2 threads, in turns. First with weights that either side meets for the first time in each
 * product, then with weights that either side has put in order beforehand, as for a model that does not
 * change.
 */
import type { InferenceSession } from 'onnxruntime-web/wasm';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { type Benchmark, compared } from '../benchmark.ts';
import { matmulModel } from '../onnx-matmul.ts';
import { contest } from './contest.ts';
import type { Kit } from './kit.ts';
import { isByWeights, qwenProducts } from './products.ts';
import { engineKit, PLAIN, PREPACKED } from './starling.ts';

const THREADS = [1, 2] as const;
const WAYS = [
  { ours: PLAIN, constant: false, prefix: '' },
  { ours: PREPACKED, constant: true, prefix: 'prepacked/' },
] as const;

export const wasmPeers: Benchmark = {
  name: 'wasm-peers',
  async *run({ signal, note }) {
    const only = process.env.STARLING_BENCH_ONLY ?? '';
    // One count after the other: idle threads of a pool that wait by spinning would take the others'
    // processor.
    for (const threads of THREADS) {
      for (const { ours, constant, prefix } of WAYS) {
        const kits = [
          engineKit(ours, await createWasmEngine({ threads })),
          await onnxruntimeWasmKit(threads, constant),
        ];
        const products = qwenProducts('small').filter(
          (product) => product.name.includes(only) && (!constant || isByWeights(product)),
        );
        try {
          for await (const { product, rates } of contest({
            products,
            kits,
            rounds: 7,
            turnMs: 50,
            restMs: 50,
          })) {
            signal.throwIfAborted();
            const own = rates[ours];
            for (const [kit, rate] of Object.entries(rates)) {
              if ('refused' in rate) note(`${product}: ${kit} left out: ${rate.refused}`);
              else if (kit !== ours && own !== undefined && 'gflops' in own) {
                yield compared(`wasm-peers/${prefix}${product}/threads-${threads}`, 'GFLOP/s', own.gflops, {
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
    }
  },
};

/** With `constant`, b is a constant of the model, which the library packs when it loads it. */
async function onnxruntimeWasmKit(threads: number, constant: boolean): Promise<Kit> {
  // The library has one count of threads for good, and two entries that know nothing of one another. Only the
  // one for Node starts threads.
  const ort = threads === 1 ? await import('onnxruntime-web/wasm') : await import('onnxruntime-web');
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = threads;
  const name = `onnxruntime-web wasm, ${threads === 1 ? '1 thread' : `${threads} threads`}`;
  return {
    name: constant ? `${name}, constant weights` : name,
    async prepare({ M, N, K }, { a, b }) {
      const model = matmulModel(M, N, K, constant ? b : undefined);
      const session: InferenceSession = await ort.InferenceSession.create(model, {
        executionProviders: ['wasm'],
      });
      const left = { a: new ort.Tensor('float32', a, [M, K]) };
      const feeds = constant ? left : { ...left, b: new ort.Tensor('float32', b, [K, N]) };
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
