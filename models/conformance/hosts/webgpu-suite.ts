/** The suite on a WebGPU adapter, for every host that has a `GPU`. */

import { CASES } from '../../../compute/conformance/cases.ts';
import { runGate } from '../../../compute/conformance/gate.ts';
import { openWebGpuEngine } from '../../../compute/engines/webgpu/engine.ts';
import { DEFAULT_TUNING } from '../../../compute/engines/webgpu/tuning/tuning.ts';
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
      const result = await runSuite({
        engine,
        now: () => performance.now(),
        training: options.training,
        full: options.full,
      });
      // A software GPU multiplies without workgroup memory, a real one begins with it: the cases are for
      // both.
      engine.useTuning(DEFAULT_TUNING);
      const tiled = await runGate({ engine, cases: CASES.filter(({ op }) => /^matmul|^attention/.test(op)) });
      const wrong = Object.values(tiled.operators).flatMap(({ mismatches }) => mismatches);
      return {
        ...result,
        mismatches: result.mismatches + wrong.length,
        wrong: [...result.wrong, ...wrong.map((name) => `in tiles: ${name}`)],
      };
    } finally {
      await engine.stop();
    }
  } catch (error) {
    return { failed: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
}
