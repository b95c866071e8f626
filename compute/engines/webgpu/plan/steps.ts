/**
 * What an operator becomes on the device: a few steps over operands, with all sizes worked out. Steps are
 * data, so a program is planned once and encoded on each run.
 */
import {
  type BindingsOf,
  type ConstantsOf,
  checkCall,
  type EntryOf,
  KernelInterfaceError,
  type KernelName,
  kernelInterface,
  type ParamsOf,
} from '../shader/kernel-interface.ts';

/**
 * A tensor of the program by name, the prepacked copy of a bound tensor, or scratch memory that lives only
 * between the steps of one node.
 */
export type Operand =
  | { readonly kind: 'tensor'; readonly name: string }
  | { readonly kind: 'prepacked'; readonly name: string }
  | { readonly kind: 'scratch'; readonly id: number; readonly words: number };

/** A dispatch of one kernel. */
export interface KernelDispatch<K extends KernelName> {
  readonly kind: 'dispatch';
  readonly kernel: K;
  readonly entry: EntryOf<K>;
  /** Constants to set in the kernel's text. The others keep the value that the text gives them. */
  readonly constants: Partial<ConstantsOf<K>>;
  readonly params: ParamsOf<K>;
  /** The operand of each binding that the entry point uses. */
  readonly bindings: Readonly<Record<string, Operand>>;
  /** Workgroups in each direction. */
  readonly groups: readonly [x: number, y: number, z: number];
}

/** A dispatch of one of the kernels K. Comparing `kernel` tells which parameters it has. */
export type DispatchStep<K extends KernelName = KernelName> = { [N in K]: KernelDispatch<N> }[K];

export interface CopyStep {
  readonly kind: 'copy';
  readonly from: Operand;
  readonly to: Operand;
  /** Offset in `to`, in words. */
  readonly at: number;
  readonly words: number;
}

/** Fills an operand with zeros. */
export interface ClearStep {
  readonly kind: 'clear';
  readonly target: Operand;
}

export type Step = DispatchStep | CopyStep | ClearStep;

/** WebGPU's default limit for each direction of a dispatch. */
export const MAX_GROUPS = 65_535;

/**
 * The directions of a dispatch of at least `count` workgroups, which kernels number along x and then along y.
 * A kernel leaves workgroups beyond its work idle.
 */
export function workgroupGrid(count: number): readonly [x: number, y: number] {
  return count <= MAX_GROUPS ? [count, 1] : [MAX_GROUPS, Math.ceil(count / MAX_GROUPS)];
}

/** How much a dispatch has to do. */
export type WorkSize =
  /** One invocation an item, for kernels that take their number from `work_item` (shaders/lib/grid.wgsl). */
  | { readonly items: number }
  /** For kernels whose workgroup does one thing together. */
  | { readonly workgroups: number };

export interface DispatchOptions<K extends KernelName, E extends EntryOf<K>> {
  /** Defaults to `main`. */
  readonly entry?: E;
  readonly params: NoInfer<ParamsOf<K>>;
  /** Exactly the bindings that the entry point uses. */
  readonly bindings: NoInfer<BindingsOf<K, E, Operand>>;
  /** Defaults to none: the values in the kernel's text. */
  readonly constants?: NoInfer<Partial<ConstantsOf<K>>>;
}

/**
 * A dispatch of a kernel. A parameter or binding that is missing or misspelt does not compile; one that gets
 * past the compiler (in a spread object) throws KernelInterfaceError.
 *
 * @example dispatch('swiglu', { items: len, params: { count: len }, bindings: { gate, up, y } })
 */
export function dispatch<K extends KernelName, E extends EntryOf<K> = EntryOf<K> & 'main'>(
  kernel: K,
  options: DispatchOptions<K, E> & WorkSize,
): DispatchStep<K> {
  const { params, bindings, entry = 'main', constants = {} } = options;
  checkCall({ kernel, entry, params, bindings, constants });
  const groups = [...workgroupGrid(workgroupsOf(kernel, options)), 1] as const;
  // checkCall has compared the names with the kernel's.
  return {
    kind: 'dispatch',
    kernel,
    entry,
    constants,
    params,
    bindings,
    groups,
  } as unknown as DispatchStep<K>;
}

function workgroupsOf(kernel: KernelName, size: WorkSize): number {
  if ('workgroups' in size) return size.workgroups;
  const { GROUP_SIZE: groupSize } = kernelInterface(kernel).constants;
  if (groupSize === undefined)
    throw new KernelInterfaceError(kernel, 'it does not number items; give workgroups');
  return Math.ceil(size.items / groupSize);
}
