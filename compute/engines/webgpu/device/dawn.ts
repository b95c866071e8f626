/** WebGPU in Node: Dawn through the npm package `webgpu`. */
import { existsSync } from 'node:fs';
import { create, globals } from 'webgpu';
import { EngineError } from '../../engine.ts';

/** Where Debian's chromium keeps SwiftShader, a Vulkan driver that runs on the CPU. */
export const SWIFTSHADER_ICD = '/usr/lib/chromium/vk_swiftshader_icd.json';

export interface DawnOptions {
  /** A Vulkan driver manifest to use instead of the machine's own drivers; takes effect before the first adapter only. */
  readonly vulkanDriver?: string;
  /** Dawn toggles, e.g. `disable-dawn-features=timestamp_quantization`. */
  readonly flags?: readonly string[];
}

/**
 * An adapter of Dawn in this process. Keep the returned `gpu` for as long as the device is used: when it is collected,
 * its devices go with it. Throws EngineError when the driver is missing or gives no adapter.
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
  // The engine names GPUBufferUsage and its like as globals, as a browser has them.
  Object.assign(globalThis, globals);
  const gpu = create([...(options.flags ?? [])]);
  const adapter = await gpu.requestAdapter();
  if (adapter === null) throw new EngineError('Dawn found no GPU adapter; install a Vulkan driver.');
  return { gpu, adapter };
}
