import { existsSync, readdirSync } from 'node:fs';

import type { WebGpuEngine, WebGpuEngineOptions } from '../compute/engines/webgpu/engine.ts';
import type { BenchmarkContext } from './benchmark.ts';

export interface GpuEngine {
  /** For measurements' names. */
  readonly name: string;
  readonly engine: WebGpuEngine;
  /** A GPU done by the CPU: it shows overhead, not what a GPU does. */
  readonly software: boolean;
}

/** Dawn drops a device when its GPU object is collected, so they are kept. */
const kept: GPU[] = [];

/**
 * The webgpu engine on Dawn: on this machine's GPU, tuned, where it has one, else on SwiftShader; or
 * undefined, with a note, where both are missing.
 */
export async function gpuEngine(
  context: BenchmarkContext,
  options: Pick<WebGpuEngineOptions, 'clock' | 'sliceMs'> = {},
): Promise<GpuEngine | undefined> {
  try {
    const { openDawnAdapter, SWIFTSHADER_ICD } = await import('../compute/engines/webgpu/device/dawn.ts');
    const { isSoftwareAdapter } = await import('../compute/engines/webgpu/device/adapter.ts');
    const { tunedEngine } = await import('./tuned.ts');
    // A process chooses its Vulkan drivers once, so what is there is looked at before.
    const { gpu, adapter } = await openDawnAdapter(hasGpuDevice() ? {} : { vulkanDriver: SWIFTSHADER_ICD });
    kept.push(gpu);
    const software = isSoftwareAdapter(adapter.info);
    const engine = await tunedEngine(adapter, context.note, options);
    return { name: software ? 'webgpu-swiftshader' : 'webgpu-hardware', engine, software };
  } catch (error) {
    context.note(`webgpu left out: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

/** Whether a driver of the kernel shows a GPU, so that a Vulkan driver for it may be expected. */
function hasGpuDevice(): boolean {
  if (existsSync('/dev/nvidia0')) return true;
  return existsSync('/dev/dri') && readdirSync('/dev/dri').some((name) => name.startsWith('renderD'));
}
