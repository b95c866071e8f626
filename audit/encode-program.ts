/**
 * A step's recipe as the slots of its trace: what the judge is told about each tensor
 * (contracts/src/disputes/IDisputes.sol, contracts/src/judge/Operands.sol). Each output has a slot of its
 * own, also where an operator works in place, so that every slot is a function of slots before it.
 */

import { attributeWords } from '../compute/repops/attributes.ts';
import { isIndexInput as isIndexOperand, mustBeInPlace } from '../compute/repops/operands.ts';
import {
  JUDGE_DRAW,
  type JudgedOperator,
  OPERATOR_NAMES,
  type OperatorName,
  specOf,
} from '../compute/repops/operators.ts';
import {
  elementCount,
  type Node,
  type Program,
  type TensorSpec,
  tensorOf,
} from '../compute/repops/program.ts';
import type { Action, RecipeTensor, StepRecipe, Words } from '../compute/repops/recipe.ts';
import { tensorLeafData, tensorRoot } from '../models/checkpoint/root.ts';
import { compareNames } from '../models/checkpoint/safetensors.ts';
import type { Slot, SlotNode } from '../protocol/evidence.ts';
import { toHex } from '../protocol/hex.ts';
import { must } from '../protocol/must.ts';

/** As `IDisputes.Kind`. */
const KIND = { state: 0, data: 1, fixed: 2, output: 3, compose: 4 } as const;

/** The operators that the judge computes, by its numbers. */
const BY_NUMBER: ReadonlyMap<number, JudgedOperator | 'draw'> = new Map([
  ...OPERATOR_NAMES.filter(isJudged).map((op) => [judgeNumber(op), op] as const),
  [JUDGE_DRAW, 'draw'] as const,
]);

function isJudged(op: OperatorName): op is JudgedOperator {
  return specOf(op).judge !== undefined;
}

/** The judge's number of an operator. Throws RangeError for one that it does not compute. */
export function judgeNumber(op: OperatorName): number {
  const number = specOf(op).judge;
  if (number === undefined) throw new RangeError(`The judge does not compute ${op}: claim a run without it.`);
  return number;
}

/** The name of a slot's operator, for people; undefined for a number that the judge does not know. */
export function operatorName(number: number): JudgedOperator | 'draw' | undefined {
  return BY_NUMBER.get(number);
}

/** Little-endian bytes of a tensor, not copied. Every platform that runs this is little-endian. */
export function bytesOf(words: Words): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/** A program whose temporaries are bound under names of their own, and which slot each output is. */
export interface TracedProgram {
  readonly program: Program;
  /** In the order of the slots, which follow one another from `firstSlot`. */
  readonly outputs: readonly string[];
  readonly firstSlot: number;
}

export type TracedAction =
  | {
      readonly kind: 'run';
      readonly action: Extract<Action, { kind: 'run' }>;
      readonly traced: TracedProgram;
    }
  | { readonly kind: 'draw'; readonly action: Extract<Action, { kind: 'draw' }>; readonly slot: number };

export interface EncodedProgram {
  readonly slots: readonly Slot[];
  readonly names: readonly string[];
  /**
   * The recipe's tensors that are given, in the order of their slots, which are the first ones but for the
   * metadata's.
   */
  readonly given: readonly { readonly name: string; readonly slot: number }[];
  /** Slot of the leaf hash of the metadata of the checkpoint after the step. */
  readonly metadataSlot: number;
  /** Data slots of a step, that of the metadata, the last one, included. */
  readonly dataSlots: number;
  readonly actions: readonly TracedAction[];
  /** For each tensor of the checkpoint, in its tree's order, the slot of its value after the step. */
  readonly after: readonly { readonly name: string; readonly slot: number }[];
}

const NO_NODE: SlotNode = { op: 0, output: 0, length: 0, attributes: [], lengths: [] };
const EMPTY: Slot = {
  kind: KIND.state,
  place: 0,
  count: 0,
  name: '0x',
  node: NO_NODE,
  inputs: [],
  names: [],
};

/** The bytes before the tensor root in the leaf of a checkpoint's tensor. */
function checkpointLeafPrefix(name: string, shape: readonly number[]) {
  const data = tensorLeafData(name, { dtype: 'F32', shape, data: new Uint8Array() });
  return data.subarray(0, data.length - 32);
}

class Encoder {
  readonly slots: Slot[] = [];
  readonly names: string[] = [];
  readonly #taken = new Set<string>();
  /** The slot that a recipe tensor's content is at this point of the step. */
  readonly #current = new Map<string, number>();
  readonly #tensors: ReadonlyMap<string, RecipeTensor>;

  constructor(tensors: ReadonlyMap<string, RecipeTensor>) {
    this.#tensors = tensors;
  }

  push(name: string, slot: Partial<Slot> & Pick<Slot, 'kind'>): number {
    let unique = name;
    for (let n = 2; this.#taken.has(unique); n++) unique = `${name}~${n}`;
    this.#taken.add(unique);
    this.names.push(unique);
    return this.slots.push({ ...EMPTY, ...slot }) - 1;
  }

  set(tensor: string, slot: number): void {
    this.#current.set(tensor, slot);
  }

  slotOf(tensor: string): number {
    const slot = this.#current.get(tensor);
    if (slot === undefined) throw new RangeError(`${tensor} is read before anything gives it a value`);
    return slot;
  }

  lengthOf(tensor: string): number {
    const declared = this.#tensors.get(tensor);
    if (declared === undefined) throw new RangeError(`The recipe has no tensor ${tensor}`);
    return elementCount(declared.shape);
  }

  run(action: Extract<Action, { kind: 'run' }>): TracedProgram {
    const { program, bindings, label } = action;
    const firstSlot = this.slots.length;
    const tensors: Record<string, TensorSpec> = {};
    const nodes: Node[] = [];
    const outputs: string[] = [];
    /** Of each of the program's names: its name in the traced program, and its slot. */
    const now = new Map<string, { traced: string; slot: number }>();
    for (const [name, spec] of Object.entries(program.tensors)) {
      const bound = bindings[name];
      if (spec.storage !== 'bound' || bound === undefined) continue;
      if (this.#tensors.get(bound)?.source.kind === 'frozen') {
        throw new RangeError(
          `The judge reads no frozen weights (${bound}): claim a run that trains them all.`,
        );
      }
      tensors[name] = spec;
      const slot = this.#current.get(bound);
      if (slot !== undefined) now.set(name, { traced: name, slot });
    }
    const lengthOf = (name: string) => elementCount(tensorOf(program, name).shape);
    for (const node of program.nodes) {
      const inputs = node.inputs.map((name) => {
        const found = now.get(name);
        if (found === undefined)
          throw new RangeError(`${program.name}: ${name} is read before it has a value`);
        return found;
      });
      const inPlace = mustBeInPlace(node.op);
      const traced = node.outputs.map((name) => {
        const spec = tensorOf(program, name);
        const before = now.get(name);
        const written = before !== undefined && outputs.includes(before.traced);
        if (written && (inPlace || spec.storage === 'bound')) {
          throw new RangeError(
            `${program.name}: ${name} is written twice; split the program between the two`,
          );
        }
        if (inPlace || spec.storage === 'bound') return name;
        let own = name;
        for (let n = 2; Object.hasOwn(tensors, own); n++) own = `${name}~${n}`;
        tensors[own] = { ...spec, storage: 'bound' };
        return own;
      });
      nodes.push({ ...node, inputs: inputs.map((input) => input.traced), outputs: traced });
      const lengths = node.inputs.map(lengthOf);
      const slots = node.outputs.map((name, output) =>
        this.push(`${label}${node.op === 'adamw' ? 'after.' : ''}${name}`, {
          kind: KIND.output,
          inputs: inputs.map((input) => input.slot),
          node: {
            op: judgeNumber(node.op),
            output,
            length: lengthOf(name),
            attributes: attributeWords(node),
            lengths,
          },
        }),
      );
      for (const [i, name] of node.outputs.entries()) {
        now.set(name, { traced: must(traced, i), slot: must(slots, i) });
        const bound = bindings[name];
        if (bound !== undefined) this.set(bound, must(slots, i));
      }
      outputs.push(...traced);
    }
    return { program: { name: `${program.name}, traced`, tensors, nodes }, outputs, firstSlot };
  }

  draw(action: Extract<Action, { kind: 'draw' }>): number {
    const slot = this.push(action.output, {
      kind: KIND.output,
      inputs: [this.slotOf(action.key)],
      node: {
        op: JUDGE_DRAW,
        output: 0,
        length: this.lengthOf(action.output),
        attributes: [1],
        lengths: [4],
      },
    });
    this.set(action.output, slot);
    return slot;
  }
}

/**
 * The slots of a step's trace: the state in the order of the checkpoint's tree, what is given (the metadata's
 * leaf hash last), what is fixed, the outputs in the order of computing, and the checkpoint root after the
 * step. Throws RangeError for a recipe that reads what nothing wrote, or a program that writes one bound
 * tensor twice.
 */
export function encodeProgram(recipe: StepRecipe): EncodedProgram {
  const encoder = new Encoder(recipe.tensors);
  const given: { name: string; slot: number }[] = [];
  const of = (kind: RecipeTensor['source']['kind']) =>
    [...recipe.tensors].filter(([, tensor]) => tensor.source.kind === kind);
  const give = (name: string, slot: Partial<Slot> & Pick<Slot, 'kind'>) => {
    const number = encoder.push(name, slot);
    encoder.set(name, number);
    given.push({ name, slot: number });
  };
  const state = of('state').sort(([a], [b]) => compareNames(a, b));
  // The metadata are the checkpoint's last leaf.
  const count = state.length + 1;
  const prefixes = state.map(([name, { shape }]) => toHex(checkpointLeafPrefix(name, shape)));
  for (const [place, [name]] of state.entries()) {
    give(name, { kind: KIND.state, place, count, name: must(prefixes, place) });
  }
  const data = of('data');
  for (const [place, [name]] of data.entries()) give(name, { kind: KIND.data, place });
  const metadataSlot = encoder.push('metadata', { kind: KIND.data, place: data.length });
  for (const [name, { source }] of of('fixed')) {
    if (source.kind !== 'fixed') continue;
    give(name, { kind: KIND.fixed, name: toHex(tensorRoot(bytesOf(source.words))) });
  }
  const actions = recipe.actions.map((action): TracedAction => {
    if (action.kind === 'draw') return { kind: 'draw', action, slot: encoder.draw(action) };
    return { kind: 'run', action, traced: encoder.run(action) };
  });
  const after = state.map(([name]) => ({ name, slot: encoder.slotOf(name) }));
  encoder.push('checkpoint', {
    kind: KIND.compose,
    inputs: [...after.map(({ slot }) => slot), metadataSlot],
    names: prefixes,
  });
  return {
    slots: encoder.slots,
    names: encoder.names,
    given,
    metadataSlot,
    dataSlots: data.length + 1,
    actions,
    after,
  };
}

/** Whether an input of the judge's operator holds u32 words, not f32: indices, packed bytes, a draw's key. */
export function isIndexInput(op: number, input: number): boolean {
  const name = operatorName(op);
  if (name === 'draw') return true;
  return name !== undefined && isIndexOperand(name, input);
}
