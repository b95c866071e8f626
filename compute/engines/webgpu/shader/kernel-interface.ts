/**
 * What a dispatch of a kernel takes, by name. The table comes from the WGSL (tools/build-shaders.mjs), so a
 * parameter or binding that the WGSL does not declare, or that a dispatch leaves out, does not compile. The
 * functions below check the same at run time and give the numbers that the device needs.
 */
import { KERNELS } from '../../../generated/kernels.ts';
import { bitsOf } from '../../../repops/arithmetic.ts';
import { EngineError } from '../../engine.ts';

type Kernels = typeof KERNELS;

/** A file in shaders/ without `.wgsl`. */
export type KernelName = keyof Kernels;

/** The entry points of a kernel. */
export type EntryOf<K extends KernelName> = K extends KernelName
  ? keyof Kernels[K]['entries'] & string
  : never;

/** Values of the fields of a kernel's Params after `zero`. */
export type ParamsOf<K extends KernelName> = { readonly [P in keyof Kernels[K]['params']]: number };

/** Names of the storage bindings that an entry point uses. */
type BindingNameOf<K extends KernelName, E> = E extends keyof Kernels[K]['entries']
  ? Kernels[K]['entries'][E] extends readonly (infer B extends string)[]
    ? B
    : never
  : never;

/**
 * What is bound to each storage binding that an entry point uses. Nothing can be bound for no entry point.
 */
export type BindingsOf<K extends KernelName, E extends EntryOf<K>, Bound> = [E] extends [never]
  ? never
  : { readonly [B in BindingNameOf<K, E>]: Bound };

/** Constants of a kernel's text that may be set before it is compiled (specialize.ts). */
export type ConstantsOf<K extends KernelName> = { readonly [C in keyof Kernels[K]['constants']]: number };

export interface BindingInterface {
  readonly number: number;
  readonly access: 'read' | 'read_write';
  /** Element types of the array; several where the declaration depends on a constant. */
  readonly elements: readonly string[];
}

export interface KernelInterface {
  /** Types of the fields of Params after `zero`, in order. */
  readonly params: Readonly<Record<string, 'u32' | 'f32'>>;
  readonly bindings: Readonly<Record<string, BindingInterface>>;
  /** Names of the bindings that each entry point uses. */
  readonly entries: Readonly<Record<string, readonly string[]>>;
  readonly constants: Readonly<Record<string, number>>;
  /** Binding numbers of the uniforms beside Params. */
  readonly uniforms: Readonly<Record<string, number>>;
}

const INTERFACES: Readonly<Record<KernelName, KernelInterface>> = KERNELS;

/** A dispatch does not fit its kernel's interface. */
export class KernelInterfaceError extends EngineError {
  override readonly name = 'KernelInterfaceError';

  constructor(kernel: KernelName, problem: string) {
    super(`Kernel ${kernel}: ${problem}; see shaders/${kernel}.wgsl.`);
  }
}

export function kernelInterface(kernel: KernelName): KernelInterface {
  return INTERFACES[kernel];
}

/** The values that a kernel's text gives its constants. */
export function kernelConstants<K extends KernelName>(kernel: K): ConstantsOf<K> {
  return KERNELS[kernel].constants as ConstantsOf<K>;
}

/** A dispatch by names, as its kernel's interface must allow it. */
export interface KernelCall {
  readonly kernel: KernelName;
  readonly entry: string;
  readonly params: Readonly<Record<string, number>>;
  readonly bindings: Readonly<Record<string, unknown>>;
  readonly constants: Readonly<Record<string, number>>;
}

/**
 * Throws KernelInterfaceError, which names the culprit, unless a call has exactly the names that its entry
 * point takes.
 */
export function checkCall({ kernel, entry, params, bindings, constants }: KernelCall): void {
  const known = INTERFACES[kernel];
  const used = Object.hasOwn(known.entries, entry) ? known.entries[entry] : undefined;
  if (used === undefined) throw new KernelInterfaceError(kernel, `it has no entry point ${entry}`);
  const compare = (what: string, given: object, wanted: readonly string[]): void => {
    const missing = wanted.find((name) => !Object.hasOwn(given, name));
    if (missing !== undefined) {
      throw new KernelInterfaceError(kernel, `entry point ${entry} needs the ${what} ${missing}`);
    }
    const unknown = Object.keys(given).find((name) => !wanted.includes(name));
    if (unknown !== undefined) {
      throw new KernelInterfaceError(kernel, `entry point ${entry} does not use a ${what} ${unknown}`);
    }
  };
  compare('parameter', params, Object.keys(known.params));
  compare('binding', bindings, used);
  const unknown = Object.keys(constants).find((name) => !Object.hasOwn(known.constants, name));
  if (unknown !== undefined) throw new KernelInterfaceError(kernel, `it has no constant ${unknown}`);
}

/**
 * The words of a kernel's Params after `zero`, each encoded by its type in the WGSL. Throws
 * KernelInterfaceError where a value is missing or its type cannot hold it.
 */
export function encodeParams(
  kernel: KernelName,
  params: Readonly<Record<string, number>>,
): readonly number[] {
  return Object.entries(INTERFACES[kernel].params).map(([name, type]) => {
    const value = params[name];
    if (value === undefined || !(type === 'f32' ? Number.isFinite(value) : value >>> 0 === value)) {
      throw new KernelInterfaceError(kernel, `the parameter ${name} is ${type} and cannot be ${value}`);
    }
    return type === 'f32' ? bitsOf(value) : value;
  });
}

/** The interface of a storage binding. Throws KernelInterfaceError where the kernel has none of that name. */
export function bindingInterface(kernel: KernelName, name: string): BindingInterface {
  const { bindings } = INTERFACES[kernel];
  const binding = Object.hasOwn(bindings, name) ? bindings[name] : undefined;
  if (binding === undefined) throw new KernelInterfaceError(kernel, `it has no binding ${name}`);
  return binding;
}
