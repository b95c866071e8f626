/** What Deno runs, bundled: the suite on wgpu's adapter; prints one line of JSON. */
import { type HostReport, runWebGpuSuite } from './webgpu-suite.ts';

async function report(): Promise<HostReport> {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) return { skipped: 'Deno finds no Vulkan driver; install mesa-vulkan-drivers' };
  return runWebGpuSuite({ adapter, training: __TRAINING__, full: __FULL__ });
}

declare const __TRAINING__: boolean;
declare const __FULL__: boolean;

console.log(JSON.stringify(await report()));
