/**
 * The webgpu engine as a volunteer's page would run it: on a real GPU with the kernel shapes that are fastest
 * there.
 */
import { adapterName, isSoftwareAdapter } from '../compute/engines/webgpu/device/adapter.ts';
import {
  openWebGpuEngine,
  type WebGpuEngine,
  type WebGpuEngineOptions,
} from '../compute/engines/webgpu/engine.ts';
import { tune } from '../compute/engines/webgpu/tuning/tune.ts';

/** Long enough to try every shape on a GPU. */
const TUNING_MS = 30_000;

/** Opens the adapter; `note` is told the shapes that were found. */
export async function tunedEngine(
  adapter: GPUAdapter,
  note: (message: string) => void,
  options: Pick<WebGpuEngineOptions, 'clock' | 'sliceMs'> = {},
): Promise<WebGpuEngine> {
  const engine = await openWebGpuEngine(adapter, options);
  if (isSoftwareAdapter(adapter.info)) return engine;
  const device = adapterName(adapter.info);
  const now = () => performance.now();
  const tuning = await tune({ engine, device, userAgent: 'bench', now, budgetMs: TUNING_MS });
  note(`${device} is tuned to ${JSON.stringify(tuning)}`);
  return engine;
}
