/**
 * The products of Qwen2.5-0.5B on the GPU: RepOps beside onnxruntime-web's WebGPU provider, TensorFlow.js and jax-js, in turns in one page.
 * STARLING_BENCH_SIZE=full and STARLING_BENCH_GPU=1 for a real GPU.
 */
import { type Benchmark, compared } from '../benchmark.ts';
import { contestInChromium } from './in-chromium.ts';
import type { Size } from './products.ts';

const OURS = 'Starling';

export const webgpuPeers: Benchmark = {
  name: 'webgpu-peers',
  async *run({ signal, note }) {
    const size: Size = process.env.STARLING_BENCH_SIZE === 'full' ? 'full' : 'small';
    const software = process.env.STARLING_BENCH_GPU !== '1';
    let peak = Number.NaN;
    for await (const item of contestInChromium({ size, rounds: 3, turnMs: 200, software, signal, note })) {
      if ('device' in item) {
        note(`on ${item.device}; ${item.peak.toPrecision(4)} GFLOP/s of nothing but multiply-adds`);
        peak = item.peak;
        continue;
      }
      const name = `webgpu-peers/${item.product}`;
      const ours = item.rates[OURS];
      const own = ours !== undefined && 'gflops' in ours ? ours.gflops : Number.NaN;
      for (const [kit, rate] of Object.entries(item.rates)) {
        if ('refused' in rate) note(`${item.product}: ${kit} left out: ${rate.refused}`);
        else if (kit !== OURS) yield compared(name, 'GFLOP/s', own, { name: kit, value: rate.gflops });
      }
      yield compared(name, 'GFLOP/s', own, { name: 'f32 peak, multiply-adds alone', value: peak });
    }
  },
};
