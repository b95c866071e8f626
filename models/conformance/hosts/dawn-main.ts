/**
 * A Node process that runs the suite on Dawn and prints one line of JSON. The Vulkan driver is chosen by
 * VK_ICD_FILENAMES, which counts once a process; hence a process of its own. `--hardware` skips software
 * adapters, `--no-training` the training case.
 */
import { isSoftwareAdapter } from '../../../compute/engines/webgpu/device/adapter.ts';
import { openDawnAdapter } from '../../../compute/engines/webgpu/device/dawn.ts';
import { type HostReport, runWebGpuSuite } from './webgpu-suite.ts';

const hardware = process.argv.includes('--hardware');

async function report(): Promise<HostReport> {
  const { gpu, adapter } = await openDawnAdapter();
  if (hardware && isSoftwareAdapter(adapter.info)) return { skipped: 'this machine has no GPU of hardware' };
  const result = await runWebGpuSuite({
    adapter,
    training: !process.argv.includes('--no-training'),
    full: process.argv.includes('--full'),
  });
  // Named after use, so that the instance is not collected while its device works.
  void gpu;
  return result;
}

const line = await report().catch((error: unknown): HostReport => {
  const cause = error instanceof Error ? error.message : String(error);
  return hardware ? { skipped: cause } : { failed: cause };
});
process.stdout.write(`${JSON.stringify(line)}\n`);
// Dawn's threads keep the process alive.
process.exit(0);
