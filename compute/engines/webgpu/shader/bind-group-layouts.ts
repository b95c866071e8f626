/** Bind group layouts, read off a kernel's own declarations, so that kernels with the same bindings share bind groups. */

/** Bytes that every Params struct is given; the longest has 16 words. */
export const PARAMS_BYTES = 64;
/** Bytes of the uniform at SLICE_BINDING (shaders/lib/slice.wgsl). */
export const SLICE_BYTES = 16;
/** Where a kernel that can be run in parts declares which part it is. */
export const SLICE_BINDING = 15;

const DECLARATION = /@binding\((\d+)\)\s*var<\s*(uniform|storage\s*,\s*read_write|storage\s*,\s*read)\s*>/g;

export interface KernelLayout {
  /** Equal for layouts that take the same bind groups. */
  readonly key: string;
  readonly bindGroupLayout: GPUBindGroupLayout;
  readonly pipelineLayout: GPUPipelineLayout;
  /** Whether the kernel numbers its workgroups along one line that may be cut anywhere. */
  readonly sliceable: boolean;
}

type BindingType = 'uniform' | 'storage' | 'read-only-storage';

/** The bindings that a linked kernel declares. */
export function declaredBindings(source: string): ReadonlyMap<number, BindingType> {
  const found = new Map<number, BindingType>();
  for (const [, binding, kind] of source.matchAll(DECLARATION)) {
    const type = kind === 'uniform' ? 'uniform' : kind?.endsWith('write') ? 'storage' : 'read-only-storage';
    found.set(Number(binding), type);
  }
  return found;
}

export class Layouts {
  readonly #device: GPUDevice;
  readonly #known = new Map<string, KernelLayout>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** The layout of an entry point that uses the storage bindings `used` of `source`, besides its uniforms. */
  of(source: string, used: readonly number[]): KernelLayout {
    const declared = declaredBindings(source);
    const sliceable = declared.get(SLICE_BINDING) === 'uniform';
    const bindings = [...used]
      .sort((a, b) => a - b)
      .map((binding) => ({ binding, type: declared.get(binding) ?? 'read-only-storage' }));
    const key = `${sliceable} ${bindings.map(({ binding, type }) => `${binding}${type}`).join()}`;
    let layout = this.#known.get(key);
    if (layout === undefined) {
      const uniform = (binding: number, minBindingSize: number): GPUBindGroupLayoutEntry => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: 'uniform', hasDynamicOffset: true, minBindingSize },
      });
      const bindGroupLayout = this.#device.createBindGroupLayout({
        entries: [
          uniform(0, PARAMS_BYTES),
          ...bindings.map(({ binding, type }) => ({
            binding,
            visibility: GPUShaderStage.COMPUTE,
            buffer: { type },
          })),
          ...(sliceable ? [uniform(SLICE_BINDING, SLICE_BYTES)] : []),
        ],
      });
      const pipelineLayout = this.#device.createPipelineLayout({ bindGroupLayouts: [bindGroupLayout] });
      layout = { key, bindGroupLayout, pipelineLayout, sliceable };
      this.#known.set(key, layout);
    }
    return layout;
  }
}
