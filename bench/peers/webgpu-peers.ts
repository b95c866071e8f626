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

/** Our kits, and what their rows' names begin with. */
const OURS = [
  { kit: 'Starling', prefix: '' },
  { kit: 'Starling, prepacked', prefix: 'prepacked/' },
] as const;
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
      const peers: { name: string; value: number }[] = [];
      for (const [kit, rate] of Object.entries(item.rates)) {
        if (!('refused' in rate) && rate.gflops > IMPOSSIBLE * peak) {
          note(
            `${item.product}: ${kit} left out: ${rate.gflops.toPrecision(3)} GFLOP/s, so its work was not done`,
          );
        } else if ('refused' in rate) note(`${item.product}: ${kit} left out: ${rate.refused}`);
        else if (!OURS.some((own) => own.kit === kit)) peers.push({ name: kit, value: rate.gflops });
      }
      for (const { kit, prefix } of OURS) {
        const own = item.rates[kit];
        if (own === undefined || 'refused' in own) continue;
        for (const peer of [...peers, { name: 'f32 peak, multiply-adds alone', value: peak }]) {
          yield compared(`webgpu-peers/${prefix}${item.product}`, 'GFLOP/s', own.gflops, peer);
        }
      }
    }
  },
};
