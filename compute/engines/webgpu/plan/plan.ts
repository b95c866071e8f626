/** Turns a program into steps whose temporaries share memory slots. */
import { must } from '../../../../protocol/must.ts';
import { indexInputs } from '../../../repops/operands.ts';
import type { OperatorName } from '../../../repops/operators.ts';
import { elementCount, type Node, type Program } from '../../../repops/program.ts';
import { DEFAULT_TUNING, type Tuning } from '../tuning/tuning.ts';
import { ATTENTION } from './attention-planners.ts';
import { BOUNDARY } from './boundary-planners.ts';
import { DENSE } from './dense-planners.ts';
import { LOSS } from './loss-planners.ts';
import { matmul } from './matmul-planner.ts';
import { assignSlots, locationsOf, type OperandLocation, type PlannedStep } from './memory-slots.ts';
import { type Planners, type PrepackedSides, viewOf } from './node-view.ts';
import { SAMPLING } from './sampling-planners.ts';
import type { Operand, Step } from './steps.ts';

const PLANNERS: Planners = { ...DENSE, ...ATTENTION, ...LOSS, ...SAMPLING, ...BOUNDARY, matmul };

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
  /** Bound tensors, which the program only reads, that its products take as matrices along k. */
  readonly prepackable: PrepackedSides;
  /** Bound tensors that the program writes. */
  readonly written: ReadonlySet<string>;
}

/**
 * Plans a program that `validateProgram` accepted. `prepacked` has the bound tensors that have a prepacked
 * copy; the program must not write them.
 */
export function planProgram(
  program: Program,
  tuning: Tuning = DEFAULT_TUNING,
  prepacked: PrepackedSides = new Map(),
): Plan {
  let scratches = 0;
  const scratch = (words: number): Operand => ({ kind: 'scratch', id: scratches++, words });
  const stepsOf = <Op extends OperatorName>(node: Node<Op>): readonly Step[] =>
    PLANNERS[node.op](viewOf({ node, program, tuning, scratch, prepacked }));
  const steps: PlannedStep[] = [];
  const indexChecks: IndexCheck[] = [];
  const written = new Set<string>();
  const isBound = (name: string): boolean => program.tensors[name]?.storage === 'bound';
  for (const node of program.nodes) {
    for (const { input, limit } of indexInputs(node)) {
      const tensor = must(node.inputs, input);
      if (isBound(tensor) && !written.has(tensor)) indexChecks.push({ tensor, limit, op: node.op });
    }
    for (const step of stepsOf(node)) steps.push({ op: node.op, step });
    for (const name of node.outputs) if (isBound(name)) written.add(name);
  }
  const { slots, slotOf } = assignSlots(steps, (operand) => {
    if (operand.kind === 'scratch') return operand.words;
    if (operand.kind === 'prepacked') return undefined;
    const spec = program.tensors[operand.name];
    return spec?.storage === 'temporary' ? elementCount(spec.shape) : undefined;
  });
  return {
    steps,
    slots,
    indexChecks,
    written,
    prepackable: prepackableOf(program),
    locate: locationsOf(slotOf),
  };
}

function prepackableOf(program: Program): PrepackedSides {
  const written = new Set(program.nodes.flatMap(({ outputs }) => outputs));
  const found = new Map<string, { N: number; K: number }>();
  for (const { op, attributes, inputs } of program.nodes) {
    if (op !== 'matmul' || attributes.transposeB !== 1) continue;
    const { N = 0, K = 0 } = attributes;
    const name = must(inputs, 1);
    if (program.tensors[name]?.storage === 'bound' && !written.has(name)) found.set(name, { N, K });
  }
  return found;
}
