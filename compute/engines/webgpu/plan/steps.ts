/**
 * What an operator becomes on the device: a few steps over operands, with sizes already worked out. Steps are data, so
 * that a program is planned once and encoded on each run.
 */
import { bitsOf } from '../../../repops/arithmetic.ts';
import type { Tuning } from '../tuning/tuning.ts';

/** A tensor of the program by name, or scratch memory that lives only between the steps of one node. */
export type Operand =
  | { readonly kind: 'tensor'; readonly name: string }
  | { readonly kind: 'scratch'; readonly id: number; readonly words: number };

export type Step =
  | {
      readonly kind: 'dispatch';
      /** File in shaders/ without `.wgsl`. */
      readonly kernel: string;
      readonly entry: string;
      /** Constants set in the kernel's text (specialize.ts). */
      readonly constants?: Readonly<Record<string, number>>;
      /** The words of the kernel's Params struct after `zero`. */
      readonly params: readonly number[];
      /** Operand of each binding that the entry point uses, by binding number. */
      readonly bindings: Readonly<Record<number, Operand>>;
      readonly groups: readonly [x: number, y: number, z: number];
    }
  | {
      readonly kind: 'copy';
      readonly from: Operand;
      readonly to: Operand;
      /** Offset in `to`, in words. */
      readonly at: number;
      readonly words: number;
    }
  | { readonly kind: 'clear'; readonly target: Operand };

/** Invocations in a workgroup of every kernel that numbers its work along one line (shaders/lib/grid.wgsl). */
const GROUP_SIZE = 64;
/** WebGPU's default limit for each direction of a dispatch. */
export const MAX_GROUPS = 65535;

/** The workgroups that cover `count` work items. */
export function groupsFor(count: number): readonly [x: number, y: number] {
  return lineOf(Math.ceil(count / GROUP_SIZE));
}

/** A dispatch of at least `groups` workgroups, numbered along x and then y; a kernel leaves those beyond its work idle. */
export function lineOf(groups: number): readonly [x: number, y: number] {
  return groups <= MAX_GROUPS ? [groups, 1] : [MAX_GROUPS, Math.ceil(groups / MAX_GROUPS)];
}

/** The word of an f32 attribute in a Params struct. */
export function f32(value: number): number {
  return bitsOf(value);
}

export interface ItemDispatch {
  readonly kernel: string;
  /** Default `main`. */
  readonly entry?: string;
  /** Work items, one invocation each. */
  readonly items: number;
  readonly params: readonly number[];
  readonly constants?: Readonly<Record<string, number>>;
  /** Operands by binding number; a binding that the entry point does not use is left out or undefined. */
  readonly bindings: Readonly<Record<number, Operand | undefined>>;
}

/** A dispatch with one invocation for each work item. */
export function dispatch({ items, ...options }: ItemDispatch): Step {
  return groupDispatch({ ...options, workgroups: Math.ceil(items / GROUP_SIZE) });
}

/** A dispatch of so many workgroups, for kernels in which a workgroup does one thing together. */
export function groupDispatch(options: Omit<ItemDispatch, 'items'> & { readonly workgroups: number }): Step {
  const used = Object.entries(options.bindings).filter(
    (entry): entry is [string, Operand] => entry[1] !== undefined,
  );
  return {
    kind: 'dispatch',
    kernel: options.kernel,
    entry: options.entry ?? 'main',
    params: options.params,
    ...(options.constants === undefined ? {} : { constants: options.constants }),
    bindings: Object.fromEntries(used),
    groups: [...lineOf(options.workgroups), 1],
  };
}

/** One node as its planner sees it. */
export interface NodeView {
  /** An attribute. */
  a(name: string): number;
  input(index: number): Operand;
  output(index: number): Operand;
  readonly inputs: readonly Operand[];
  /** Whether an input is stored as bf16, two in a word. */
  isBf16(input: number): boolean;
  /** Whether output `output` is the tensor of input `input`. */
  inPlace(output: number, input: number): boolean;
  /** Fresh scratch memory of `words` words. */
  scratch(words: number): Operand;
  /** The kernel shapes chosen for this device. */
  readonly tuning: Tuning;
}

export type Planner = (node: NodeView) => readonly Step[];
