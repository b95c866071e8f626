/** Turns a program into steps whose temporaries share memory slots. */
import { must } from '../../../../protocol/must.ts';
import type { OperatorName } from '../../../repops/operators.ts';
import { elementCount, type Node, type Program } from '../../../repops/program.ts';
import { DEFAULT_TUNING, type Tuning } from '../tuning/tuning.ts';
import { ATTENTION } from './attention-planners.ts';
import { DENSE } from './dense-planners.ts';
import { LOSS } from './loss-planners.ts';
import { matmul } from './matmul-planner.ts';
import { assignSlots, locationsOf, type OperandLocation, type PlannedStep } from './memory-slots.ts';
import { type AttributesOf, attributesOf, type Planners, viewOf } from './node-view.ts';
import { SAMPLING } from './sampling-planners.ts';
import type { Operand, Step } from './steps.ts';

const PLANNERS: Planners = { ...DENSE, ...ATTENTION, ...LOSS, ...SAMPLING, matmul };

interface IndexInput<Op extends OperatorName> {
  readonly input: number;
  /** Every index must be below this. */
  readonly limit: (attributes: AttributesOf<Op>) => number;
}

/** The inputs whose values index another operand. */
const INDEX_INPUTS: { readonly [Op in OperatorName]?: IndexInput<Op> } = {
  embed: { input: 0, limit: ({ V }) => V },
  'embed.grad': { input: 0, limit: ({ V }) => V },
  rope: { input: 1, limit: ({ P }) => P },
  'rope.pairs': { input: 1, limit: ({ P }) => P },
  'cache.write': { input: 2, limit: ({ Tk }) => Tk },
  'cache.write.rows': { input: 2, limit: ({ Tk, R }) => Tk - R + 1 },
  'xent.logprob': { input: 2, limit: ({ V }) => V },
  'xent.grad': { input: 2, limit: ({ V }) => V },
};

export interface IndexCheck {
  readonly tensor: string;
  readonly limit: number;
  readonly op: OperatorName;
}

export interface Plan {
  readonly steps: readonly PlannedStep[];
  locate(operand: Operand): OperandLocation;
  /** Words of each slot. */
  readonly slots: readonly number[];
  /** Bound tensors whose values must be below a limit. */
  readonly indexChecks: readonly IndexCheck[];
  /** Bound tensors that the program writes. */
  readonly written: ReadonlySet<string>;
}

function indexCheckOf<Op extends OperatorName>(op: Op, node: Node): IndexCheck | undefined {
  const index = INDEX_INPUTS[op];
  if (index === undefined) return undefined;
  return { tensor: must(node.inputs, index.input), limit: index.limit(attributesOf(op, node)), op };
}

/** Plans a program that `validateProgram` accepted. */
export function planProgram(program: Program, tuning: Tuning = DEFAULT_TUNING): Plan {
  let scratches = 0;
  const scratch = (words: number): Operand => ({ kind: 'scratch', id: scratches++, words });
  const stepsOf = <Op extends OperatorName>(op: Op, node: Node): readonly Step[] =>
    PLANNERS[op](viewOf({ op, node, program, tuning, scratch }));
  const steps: PlannedStep[] = [];
  const indexChecks: IndexCheck[] = [];
  const written = new Set<string>();
  const isBound = (name: string): boolean => program.tensors[name]?.storage === 'bound';
  for (const node of program.nodes) {
    const check = indexCheckOf(node.op, node);
    if (check !== undefined && isBound(check.tensor) && !written.has(check.tensor)) indexChecks.push(check);
    for (const step of stepsOf(node.op, node)) steps.push({ op: node.op, step });
    for (const name of node.outputs) if (isBound(name)) written.add(name);
  }
  const { slots, slotOf } = assignSlots(steps, (operand) => {
    if (operand.kind === 'scratch') return operand.words;
    const spec = program.tensors[operand.name];
    return spec?.storage === 'temporary' ? elementCount(spec.shape) : undefined;
  });
  return { steps, slots, indexChecks, written, locate: locationsOf(slotOf) };
}
