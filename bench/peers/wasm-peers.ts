/** The products of Qwen2.5-0.5B on the processor: RepOps' wasm engine beside onnxruntime-web's wasm provider, with 1 and 2 threads, in turns. */
import type { InferenceSession } from 'onnxruntime-web/wasm';
import { createWasmEngine } from '../../workers/engines/wasm/engine.ts';
import { type Benchmark, compared } from '../benchmark.ts';
import { matmulModel } from '../onnx-matmul.ts';
import { contest } from './contest.ts';
import type { Kit } from './kit.ts';
import { qwenProducts } from './products.ts';
import { engineKit } from './starling.ts';

const THREADS = [1, 2] as const;

export const wasmPeers: Benchmark = {
  name: 'wasm-peers',
  async *run({ signal, note }) {
    const kits: Kit[] = [];
    try {
      for (const threads of THREADS) {
        kits.push(engineKit(ours(threads), await createWasmEngine({ threads })));
        kits.push(await onnxruntimeWasmKit(theirs(threads), threads));
      }
      const products = qwenProducts('small');
      for await (const { product, rates } of contest({ products, kits, rounds: 7, turnMs: 50 })) {
        signal.throwIfAborted();
        for (const threads of THREADS) {
          const [own, peer] = [rates[ours(threads)], rates[theirs(threads)]];
          for (const rate of [own, peer]) {
            if (rate !== undefined && 'refused' in rate)
              note(`${product}, ${counted(threads)}: ${rate.refused}`);
          }
          if (own === undefined || peer === undefined || 'refused' in own || 'refused' in peer) continue;
          yield compared(`wasm-peers/${product}/threads-${threads}`, 'GFLOP/s', own.gflops, {
            name: theirs(threads),
            value: peer.gflops,
          });
        }
      }
    } finally {
      for (const kit of kits) await kit.close();
    }
  },
};

const counted = (threads: number): string => (threads === 1 ? '1 thread' : `${threads} threads`);
const ours = (threads: number): string => `Starling, ${counted(threads)}`;
const theirs = (threads: number): string => `onnxruntime-web wasm, ${counted(threads)}`;

async function onnxruntimeWasmKit(name: string, threads: number): Promise<Kit> {
  // The library has one count of threads for good, and two entries that know nothing of one another. Only the one for Node starts threads.
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
