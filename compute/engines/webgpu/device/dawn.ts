/** WebGPU in Node: Dawn through the npm package `webgpu`. */
import { existsSync } from 'node:fs';
import { create, globals } from 'webgpu';
import { EngineError } from '../../engine.ts';

/** Where Debian's chromium keeps SwiftShader, a Vulkan driver that runs on the CPU. */
export const SWIFTSHADER_ICD = '/usr/lib/chromium/vk_swiftshader_icd.json';

export interface DawnOptions {
  /**
   * A Vulkan driver manifest to use instead of the machine's own drivers. It has an effect only on the first
   * adapter of the process. Defaults to the machine's drivers.
   */
  readonly vulkanDriver?: string;
  /** Dawn toggles, for example `disable-dawn-features=timestamp_quantization`. */
  readonly flags?: readonly string[];
}

/**
 * Opens an adapter of Dawn in this process. Keep the returned `gpu` for as long as the device is used: when
 * `gpu` is garbage collected, its devices are lost. Rejects with EngineError if the driver is missing or
 * gives no adapter.
 */
export async function openDawnAdapter(
  options: DawnOptions = {},
): Promise<{ readonly gpu: GPU; readonly adapter: GPUAdapter }> {
  if (options.vulkanDriver !== undefined) {
    if (!existsSync(options.vulkanDriver)) {
      throw new EngineError(`${options.vulkanDriver} does not exist; install Debian's chromium package.`);
    }
    process.env.VK_ICD_FILENAMES = options.vulkanDriver;
  }
  // The engine uses GPUBufferUsage and other globals that browsers have.
  Object.assign(globalThis, globals);
  const gpu = create([...(options.flags ?? [])]);
  const adapter = await gpu.requestAdapter();
  if (adapter === null) throw new EngineError('Dawn found no GPU adapter; install a Vulkan driver.');
  return { gpu, adapter };
}
