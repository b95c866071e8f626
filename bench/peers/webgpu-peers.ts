/**
 * The products of Qwen2.5-0.5B on the GPU: RepOps beside onnxruntime-web's WebGPU provider, TensorFlow.js and
 * jax-js, in turns in one page. STARLING_BENCH_HOST=dawn for this process instead of a browser,
 * STARLING_BENCH_SIZE=full and STARLING_BENCH_GPU=1 for a real GPU; STARLING_BENCH_ONLY=decode for products
 * with that in their names.
 */
import { type Benchmark, compared } from '../benchmark.ts';
import { contestInChromium } from './in-chromium.ts';
import { contestInDawn } from './in-dawn.ts';
import type { Size } from './products.ts';

const OURS = 'Starling';
/** Times the measured peak that nobody can reach, even when the peak was measured at a busy moment. */
const IMPOSSIBLE = 4;

export const webgpuPeers: Benchmark = {
  name: 'webgpu-peers',
  async *run({ signal, note }) {
    const size: Size = process.env.STARLING_BENCH_SIZE === 'full' ? 'full' : 'small';
    const only = process.env.STARLING_BENCH_ONLY ?? '';
    const software = process.env.STARLING_BENCH_GPU !== '1';
    const run = process.env.STARLING_BENCH_HOST === 'dawn' ? contestInDawn : contestInChromium;
    let peak = Number.NaN;
    for await (const item of run({
      size,
      rounds: 3,
      turnMs: 200,
      only,
      software,
      signal,
      note,
    })) {
      if ('device' in item) {
        note(`on ${item.device}; ${item.peak.toPrecision(4)} GFLOP/s of nothing but multiply-adds`);
        peak = item.peak;
        continue;
      }
      const name = `webgpu-peers/${item.product}`;
      const ours = item.rates[OURS];
      const own = ours !== undefined && 'gflops' in ours ? ours.gflops : Number.NaN;
      for (const [kit, rate] of Object.entries(item.rates)) {
        if (!('refused' in rate) && rate.gflops > IMPOSSIBLE * peak) {
          note(
            `${item.product}: ${kit} left out: ${rate.gflops.toPrecision(3)} GFLOP/s, so its work was not done`,
          );
        } else if ('refused' in rate) note(`${item.product}: ${kit} left out: ${rate.refused}`);
        else if (kit !== OURS) yield compared(name, 'GFLOP/s', own, { name: kit, value: rate.gflops });
      }
      yield compared(name, 'GFLOP/s', own, { name: 'f32 peak, multiply-adds alone', value: peak });
    }
  },
};
