/**
 * Bind group layouts, by the kernels' interfaces. Entry points with the same bindings share a layout and its
 * bind groups.
 */
import {
  bindingInterface,
  KernelInterfaceError,
  type KernelName,
  kernelInterface,
} from './kernel-interface.ts';

/** Bytes that every Params struct is given; the longest has 16 words. */
export const PARAMS_BYTES = 64;
/** Binding number of Params in every kernel. */
export const PARAMS_BINDING = 0;
/** Bytes of the WorkgroupOffset uniform (shaders/lib/workgroups.wgsl). */
export const WORKGROUP_OFFSET_BYTES = 16;

export interface KernelLayout {
  /** Equal for layouts that take the same bind groups. */
  readonly key: string;
  readonly bindGroupLayout: GPUBindGroupLayout;
  readonly pipelineLayout: GPUPipelineLayout;
  /**
   * Binding number of the WorkgroupOffset uniform. A kernel that has it numbers its workgroups along one
   * line, which may be divided anywhere into several dispatches.
   */
  readonly workgroupOffset: number | undefined;
}

export class BindGroupLayouts {
  readonly #device: GPUDevice;
  readonly #known = new Map<string, KernelLayout>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** The layout of an entry point. Throws KernelInterfaceError where the kernel does not have it. */
  of(kernel: KernelName, entry: string): KernelLayout {
    const { entries, uniforms } = kernelInterface(kernel);
    const names = entries[entry];
    if (names === undefined) throw new KernelInterfaceError(kernel, `it has no entry point ${entry}`);
    const bindings = names.map((name) => bindingInterface(kernel, name));
    const { workgroupOffset } = uniforms;
    const key = `${workgroupOffset} ${bindings.map(({ number, access }) => `${number}${access}`).join()}`;
    let layout = this.#known.get(key);
    if (layout === undefined) {
      const bindGroupLayout = this.#device.createBindGroupLayout({
        entries: [
          uniformEntry(PARAMS_BINDING, PARAMS_BYTES),
          ...bindings.map(({ number, access }) => storageEntry(number, access)),
          ...(workgroupOffset === undefined ? [] : [uniformEntry(workgroupOffset, WORKGROUP_OFFSET_BYTES)]),
        ],
      });
      const pipelineLayout = this.#device.createPipelineLayout({ bindGroupLayouts: [bindGroupLayout] });
      layout = { key, bindGroupLayout, pipelineLayout, workgroupOffset };
      this.#known.set(key, layout);
    }
    return layout;
  }
}

function uniformEntry(binding: number, minBindingSize: number): GPUBindGroupLayoutEntry {
  return {
    binding,
    visibility: GPUShaderStage.COMPUTE,
    buffer: { type: 'uniform', hasDynamicOffset: true, minBindingSize },
  };
}

function storageEntry(binding: number, access: 'read' | 'read_write'): GPUBindGroupLayoutEntry {
  const type = access === 'read' ? 'read-only-storage' : 'storage';
  return { binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } };
}
