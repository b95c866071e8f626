/** Turns a program into steps and gives its temporaries and scratch a small set of reusable memory slots. */
import type { OperatorName } from '../../../repops/operators.ts';
import { elementCount, type Node, type Program } from '../../../repops/program.ts';
import { DEFAULT_TUNING, type Tuning } from '../tuning/tuning.ts';
import { ATTENTION } from './attention-planners.ts';
import { DENSE } from './dense-planners.ts';
import { LOSS } from './loss-planners.ts';
import { matmul } from './matmul-planner.ts';
import { SAMPLING } from './sampling-planners.ts';
import type { NodeView, Operand, Planner, Step } from './steps.ts';

const PLANNERS: Record<OperatorName, Planner> = { ...DENSE, ...ATTENTION, ...LOSS, ...SAMPLING, matmul };

/** Inputs that index another operand: input number and what every index must be below. */
const INDEX_INPUTS: Partial<
  Record<OperatorName, readonly [input: number, limit: (a: (name: string) => number) => number]>
> = {
  embed: [0, (a) => a('V')],
  'embed.grad': [0, (a) => a('V')],
  rope: [1, (a) => a('P')],
  'rope.pairs': [1, (a) => a('P')],
  'cache.write': [2, (a) => a('Tk')],
  'cache.write.rows': [2, (a) => a('Tk') - a('R') + 1],
  'xent.logprob': [2, (a) => a('V')],
  'xent.grad': [2, (a) => a('V')],
};

/** Where an operand's memory is: a tensor that the caller binds, or a slot of the engine's own memory. */
export type Place =
  | { readonly kind: 'bound'; readonly name: string }
  | { readonly kind: 'slot'; readonly slot: number };

export interface PlannedStep {
  /** Whose variant of the kernel runs; none for what is not arithmetic. */
  readonly op?: OperatorName;
  readonly step: Step;
}

export interface IndexCheck {
  readonly tensor: string;
  readonly limit: number;
  readonly op: OperatorName;
}

export interface Plan {
  readonly steps: readonly PlannedStep[];
  place(operand: Operand): Place;
  /** Words of each slot. */
  readonly slots: readonly number[];
  /** Bound tensors whose values must be below a limit. */
  readonly indexChecks: readonly IndexCheck[];
  /** Bound tensors that the program writes. */
  readonly written: ReadonlySet<string>;
}

const keyOf = (operand: Operand): string =>
  operand.kind === 'tensor' ? `t:${operand.name}` : `s:${operand.id}`;

function operandsOf(step: Step): readonly Operand[] {
  switch (step.kind) {
    case 'dispatch':
      return Object.values(step.bindings);
    case 'copy':
      return [step.from, step.to];
    case 'clear':
      return [step.target];
  }
}

interface ViewOptions {
  readonly node: Node;
  readonly program: Program;
  readonly tuning: Tuning;
  readonly scratch: (words: number) => Operand;
}

function viewOf({ node, program, tuning, scratch }: ViewOptions): NodeView {
  const tensor = (name: string | undefined): Operand => ({ kind: 'tensor', name: name ?? '' });
  return {
    a: (name) => node.attributes[name] ?? Number.NaN,
    input: (index) => tensor(node.inputs[index]),
    output: (index) => tensor(node.outputs[index]),
    inputs: node.inputs.map(tensor),
    isBf16: (index) => program.tensors[node.inputs[index] ?? '']?.dtype === 'bf16',
    inPlace: (output, input) => node.outputs[output] === node.inputs[input],
    scratch,
    tuning,
  };
}

interface Use {
  readonly key: string;
  readonly words: number;
  readonly first: number;
  last: number;
}

/**
 * Gives every operand that is not bound a slot such that two share one only if their uses do not overlap: largest first,
 * each into the first slot that is free whenever it lives ("greedy by size" of arXiv 2001.03288), so that no slot ever grows.
 */
export function assignSlots(
  steps: readonly PlannedStep[],
  wordsOf: (operand: Operand) => number | undefined,
) {
  const uses = new Map<string, Use>();
  for (const [index, { step }] of steps.entries()) {
    for (const operand of operandsOf(step)) {
      const words = wordsOf(operand);
      if (words === undefined) continue;
      const key = keyOf(operand);
      const use = uses.get(key);
      if (use === undefined) uses.set(key, { key, words, first: index, last: index });
      else use.last = index;
    }
  }
  const slots: { readonly words: number; readonly uses: Use[] }[] = [];
  const slotOf = new Map<string, number>();
  for (const use of [...uses.values()].sort((a, b) => b.words - a.words || a.first - b.first)) {
    const free = slots.findIndex((slot) =>
      slot.uses.every((other) => other.last < use.first || use.last < other.first),
    );
    if (free === -1) slotOf.set(use.key, slots.push({ words: use.words, uses: [use] }) - 1);
    else {
      slots[free]?.uses.push(use);
      slotOf.set(use.key, free);
    }
  }
  return { slots: slots.map(({ words }) => words), slotOf };
}

/** Plans a program that `validateProgram` accepted. */
export function planProgram(program: Program, tuning: Tuning = DEFAULT_TUNING): Plan {
  let scratches = 0;
  const steps: PlannedStep[] = [];
  const indexChecks: IndexCheck[] = [];
  const written = new Set<string>();
  const isBound = (name: string): boolean => program.tensors[name]?.storage === 'bound';
  for (const node of program.nodes) {
    const index = INDEX_INPUTS[node.op];
    const indexed = index === undefined ? undefined : node.inputs[index[0]];
    if (index !== undefined && indexed !== undefined && isBound(indexed) && !written.has(indexed)) {
      indexChecks.push({
        tensor: indexed,
        limit: index[1]((name) => node.attributes[name] ?? 0),
        op: node.op,
      });
    }
    const scratch = (words: number): Operand => ({ kind: 'scratch', id: scratches++, words });
    const view = viewOf({ node, program, tuning, scratch });
    for (const step of PLANNERS[node.op](view)) steps.push({ op: node.op, step });
    for (const name of node.outputs) if (isBound(name)) written.add(name);
  }
  const { slots, slotOf } = assignSlots(steps, (operand) => {
    if (operand.kind === 'scratch') return operand.words;
    const spec = program.tensors[operand.name];
    return spec?.storage === 'temporary' ? elementCount(spec.shape) : undefined;
  });
  return {
    steps,
    slots,
    indexChecks,
    written,
    place: placesOf(slotOf),
  };
}

/** Where operands are, given the slots of those that are not bound. */
export function placesOf(slotOf: ReadonlyMap<string, number>): Plan['place'] {
  return (operand) => {
    const slot = slotOf.get(keyOf(operand));
    if (slot !== undefined) return { kind: 'slot', slot };
    if (operand.kind === 'tensor') return { kind: 'bound', name: operand.name };
    throw new Error(`scratch ${operand.id} has no slot`);
  };
}
