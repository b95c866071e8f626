/** The suite on a WebGPU adapter, for every host that has a `GPU`. */
import { openWebGpuEngine } from '../../engines/webgpu/engine.ts';
import { runSuite, type SuiteResult } from '../suite.ts';

/** What a host process reports: a result, or why it has none. */
export type HostReport = SuiteResult | { readonly skipped: string } | { readonly failed: string };

/** How much of the suite to run. */
export interface SuiteSize {
  readonly training: boolean;
  readonly full: boolean;
}

export interface WebGpuSuiteOptions extends SuiteSize {
  readonly adapter: GPUAdapter;
}

/** Runs the suite on an adapter; the device is released afterwards. Never rejects. */
export async function runWebGpuSuite(options: WebGpuSuiteOptions): Promise<HostReport> {
  try {
    const engine = await openWebGpuEngine(options.adapter);
    try {
      return await runSuite({
        engine,
        now: () => performance.now(),
        training: options.training,
        full: options.full,
      });
    } finally {
      await engine.stop();
    }
  } catch (error) {
    return { failed: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
}
