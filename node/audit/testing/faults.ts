/**
 * Fault injection: volunteers that train honestly but for one fault, as a broken device or a cheat does.
 * Everything after the fault is computed from it, and every move is played with what was computed.
 */
import { type CommitOptions, type CommittedRun, commitPlan } from '../../../audit/commit-run.ts';
import { planRun, type RunPlan, type StateTensors } from '../../../audit/run-plan.ts';
import type { RunSpec } from '../../../audit/run-spec.ts';
import { createStepComputer, type StepComputer } from '../../../audit/step-computer.ts';
import type { Engine, Tensor } from '../../../compute/engines/engine.ts';
import { must } from '../../../protocol/must.ts';

/** One fault, in one step of a run. */
export type Fault = { readonly step: number } & (
  | /** One bit of one element of an operator's output is flipped. */
  { readonly kind: 'bit'; readonly slot: number; readonly element: number; readonly bit: number }
  /** One bit of a tensor of the checkpoint before the step is flipped. */
  | { readonly kind: 'state'; readonly tensor: string; readonly element: number; readonly bit: number }
  /** The step is not computed: the checkpoint before it poses as the checkpoint after it. */
  | { readonly kind: 'skip' }
  /** The step's first draw has another value. */
  | { readonly kind: 'draw' }
  /** The step gets the data of another step. */
  | { readonly kind: 'batch'; readonly other: number }
);

export interface FaultyRunOptions extends CommitOptions {
  readonly engine: Engine;
  readonly spec: RunSpec;
  readonly fault: Fault;
}

/** Computes a run with one fault in it. Rejects as `commitRun` does. */
export async function faultyRun(options: FaultyRunOptions): Promise<CommittedRun> {
  const { engine, spec, fault } = options;
  const plan = planRun(spec);
  const given =
    fault.kind === 'batch'
      ? (step: number) => plan.given(step === fault.step ? fault.other : step)
      : plan.given;
  const honest = createStepComputer({ engine, plan: { ...plan, given } });
  const faulty = createStepComputer({ engine: faultyEngine(engine, plan, fault), plan: { ...plan, given } });
  const computerOf = (step: number): StepComputer => (step === fault.step ? faulty : honest);
  const stateOf = (step: number, before: StateTensors): StateTensors =>
    fault.kind === 'state' && step === fault.step ? withFlippedBit(before, fault) : before;
  const computer: StepComputer = {
    // A faulty step is computed by its trace, since only there every operator's output has its own tensor.
    async advance(step, before, more) {
      if (step !== fault.step) return honest.advance(step, before, more);
      return (await computer.trace(step, before, more)).after;
    },
    async trace(step, before, more) {
      const trace = await computerOf(step).trace(step, stateOf(step, before), more);
      return fault.kind === 'skip' && step === fault.step ? { ...trace, after: before } : trace;
    },
    dispose() {
      honest.dispose();
      faulty.dispose();
    },
  };
  const run = await commitPlan({ ...options, plan, computer });
  return {
    ...run,
    async trace(step, more) {
      const trace = await run.trace(step, more);
      return {
        ...trace,
        async accumulators(slot, element) {
          const sums = await trace.accumulators(slot, element);
          const atFault = fault.kind === 'bit' && fault.step === step && fault.slot === slot;
          if (!atFault || fault.element !== element) return sums;
          // The contract accepts only sums that add up to the element. These do, though all but one of them
          // are wrong.
          const data = await trace.tensor(slot);
          const value = new DataView(data.buffer, data.byteOffset).getUint32(4 * element, true);
          return sums.map((_, i) => (i === 0 ? value : 0));
        },
      };
    },
  };
}

function withFlippedBit(
  state: StateTensors,
  { tensor, element, bit }: { readonly tensor: string; readonly element: number; readonly bit: number },
): StateTensors {
  const values = state.get(tensor);
  if (values === undefined) throw new RangeError(`The checkpoint has no ${tensor}.`);
  return new Map(state).set(tensor, flipped(values, element, bit));
}

function flipped<T extends Float32Array | Uint32Array>(values: T, element: number, bit: number): T {
  const copy = values.slice();
  const words = new Uint32Array(copy.buffer);
  words[element] = must(words, element) ^ (1 << bit);
  return copy as T;
}

/**
 * An engine that flips a bit of one operator's output before the next operator runs, or changes each step's
 * first draw.
 */
function faultyEngine(engine: Engine, plan: RunPlan, fault: Fault): Engine {
  const inputs = inputsPerStep(plan);
  const writesPerStep = inputs + plan.recipe.actions.filter(({ kind }) => kind === 'draw').length;
  let writes = 0;
  return {
    kind: engine.kind,
    description: engine.description,
    allocate: (shape, dtype) => engine.allocate(shape, dtype),
    read: (tensor) => engine.read(tensor),
    free: (tensor) => engine.free(tensor),
    stop: () => engine.stop(),
    write(tensor, data) {
      // A step starts by writing its inputs. The write after them is its first draw.
      if (fault.kind === 'draw' && writes++ % writesPerStep === inputs && data instanceof Float32Array) {
        data[0] = 1 - must(data, 0);
      }
      engine.write(tensor, data);
    },
    async run(program, bindings, options) {
      if (fault.kind !== 'bit') return engine.run(program, bindings, options);
      const output = outputOf(plan, program, fault.slot);
      const at = program.nodes.findIndex(({ outputs }) => output !== undefined && outputs.includes(output));
      if (output === undefined || at === -1) return engine.run(program, bindings, options);
      await engine.run({ ...program, nodes: program.nodes.slice(0, at + 1) }, bindings, options);
      await flipOnEngine(engine, bindings[output], fault);
      await engine.run({ ...program, nodes: program.nodes.slice(at + 1) }, bindings, options);
    },
  };
}

/** Tensors that are written to the engine at the start of a step. */
function inputsPerStep(plan: RunPlan): number {
  return [...plan.recipe.tensors.values()].filter(({ source }) => source.kind !== 'none').length;
}

/** The traced program's name of a slot's tensor. Undefined when another program makes it. */
function outputOf(plan: RunPlan, program: unknown, slot: number): string | undefined {
  for (const action of plan.encoded.actions) {
    if (action.kind !== 'run' || action.traced.program !== program) continue;
    return action.traced.outputs[slot - action.traced.firstSlot];
  }
  return undefined;
}

async function flipOnEngine(
  engine: Engine,
  tensor: Tensor | undefined,
  { element, bit }: { readonly element: number; readonly bit: number },
): Promise<void> {
  if (tensor === undefined) throw new RangeError('The trace does not hold this tensor.');
  const data = await engine.read(tensor);
  if (data instanceof Uint16Array) throw new TypeError('A step of training has no bf16 tensors.');
  engine.write(tensor, flipped(data, element, bit));
}
