/** What the page's worker runs, bundled: the suite on the browser's adapter; posts the report. */
import { type HostReport, runWebGpuSuite } from './webgpu-suite.ts';

declare const __TRAINING__: boolean;
declare const __FULL__: boolean;

async function report(): Promise<HostReport> {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) return { skipped: 'this browser offers no WebGPU adapter' };
  return runWebGpuSuite({ adapter, training: __TRAINING__, full: __FULL__ });
}

postMessage(await report());
