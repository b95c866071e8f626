/**
 * Volunteers that train honestly but for one thing, for tests: what a broken device, or a cheat, would commit to. Everything after
 * the lie is computed from it, and every move is played with what was computed.
 */
import type { CommitOptions, CommittedRun } from '../../../audit/commit-run.ts';
import { commitPlan } from '../../../audit/commit-run.ts';
import { planRun, type RunPlan, type StateTensors } from '../../../audit/run-plan.ts';
import type { RunSpec } from '../../../audit/run-spec.ts';
import { createStepComputer, type StepComputer } from '../../../audit/step-computer.ts';
import type { Engine, Tensor } from '../../../compute/engines/engine.ts';

export type Deceit = { readonly step: number } /** One bit of one element of an operator's output. */ & (
  | { readonly kind: 'bit'; readonly slot: number; readonly element: number; readonly bit: number }
  /** A tensor of the checkpoint before the step, one bit changed. */
  | { readonly kind: 'state'; readonly tensor: string; readonly element: number; readonly bit: number }
  /** Nothing done; the checkpoint before is passed off as the one after. */
  | { readonly kind: 'skip' }
  /** The step's first draw comes out otherwise. */
  | { readonly kind: 'draw' }
  /** What another step was given. */
  | { readonly kind: 'batch'; readonly other: number }
);

export interface DeceitfulRunOptions extends CommitOptions {
  readonly engine: Engine;
  readonly spec: RunSpec;
  readonly deceit: Deceit;
}

/** Does a run with one lie in it. Rejects as `commitRun` does. */
export async function deceitfulRun(options: DeceitfulRunOptions): Promise<CommittedRun> {
  const { engine, spec, deceit } = options;
  const plan = planRun(spec);
  const given =
    deceit.kind === 'batch'
      ? (step: number) => plan.given(step === deceit.step ? deceit.other : step)
      : plan.given;
  const honest = createStepComputer({ engine, plan: { ...plan, given } });
  const bent = createStepComputer({ engine: bending(engine, plan, deceit), plan: { ...plan, given } });
  const of = (step: number): StepComputer => (step === deceit.step ? bent : honest);
  const begin = (step: number, before: StateTensors): StateTensors =>
    deceit.kind === 'state' && step === deceit.step ? withBit(before, deceit) : before;
  const computer: StepComputer = {
    // By way of the trace: only there has every operator's output a tensor of its own to bend.
    async advance(step, before, more) {
      if (step !== deceit.step) return honest.advance(step, before, more);
      return (await computer.trace(step, before, more)).after;
    },
    async trace(step, before, more) {
      const trace = await of(step).trace(step, begin(step, before), more);
      return deceit.kind === 'skip' && step === deceit.step ? { ...trace, after: before } : trace;
    },
    dispose() {
      honest.dispose();
      bent.dispose();
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
          const bent = deceit.kind === 'bit' && deceit.step === step && deceit.slot === slot;
          if (!bent || deceit.element !== element) return sums;
          // The contract takes only sums that come to the element: these do, and all but one of them are false.
          const data = await trace.tensor(slot);
          const value = new DataView(data.buffer, data.byteOffset).getUint32(4 * element, true);
          return sums.map((_, i) => (i === 0 ? value : 0));
        },
      };
    },
  };
}

function withBit(
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
  words[element] = (words[element] ?? 0) ^ (1 << bit);
  return copy as T;
}

/** An engine that bends one output of one operator, between that operator and the next, or the first draw of each step. */
function bending(engine: Engine, plan: RunPlan, deceit: Deceit): Engine {
  const inputs = [...plan.recipe.tensors.values()].filter(({ source }) => source.kind !== 'none').length;
  let writes = 0;
  return {
    kind: engine.kind,
    description: engine.description,
    allocate: (shape, dtype) => engine.allocate(shape, dtype),
    read: (tensor) => engine.read(tensor),
    free: (tensor) => engine.free(tensor),
    stop: () => engine.stop(),
    write(tensor, data) {
      // A step begins by writing what it is given; the next write is its first draw.
      if (deceit.kind === 'draw' && writes++ % draws(plan) === inputs && data instanceof Float32Array) {
        data[0] = 1 - (data[0] ?? 0);
      }
      engine.write(tensor, data);
    },
    async run(program, bindings, options) {
      if (deceit.kind !== 'bit') return engine.run(program, bindings, options);
      const output = outputOf(plan, program, deceit.slot);
      const at = program.nodes.findIndex(({ outputs }) => output !== undefined && outputs.includes(output));
      if (output === undefined || at === -1) return engine.run(program, bindings, options);
      await engine.run({ ...program, nodes: program.nodes.slice(0, at + 1) }, bindings, options);
      await bend(engine, bindings[output], deceit.element, deceit.bit);
      await engine.run({ ...program, nodes: program.nodes.slice(at + 1) }, bindings, options);
    },
  };
}

/** Writes to the engine in one step. */
function draws(plan: RunPlan): number {
  const inputs = [...plan.recipe.tensors.values()].filter(({ source }) => source.kind !== 'none').length;
  return inputs + plan.recipe.actions.filter(({ kind }) => kind === 'draw').length;
}

/** The traced program's name of a slot's tensor; undefined when another program makes it. */
function outputOf(plan: RunPlan, program: unknown, slot: number): string | undefined {
  for (const action of plan.encoded.actions) {
    if (action.kind !== 'run' || action.traced.program !== program) continue;
    return action.traced.outputs[slot - action.traced.firstSlot];
  }
  return undefined;
}

async function bend(engine: Engine, tensor: Tensor | undefined, element: number, bit: number): Promise<void> {
  if (tensor === undefined) throw new RangeError('The trace does not hold this tensor.');
  const data = await engine.read(tensor);
  if (data instanceof Uint16Array) throw new TypeError('A step of training has no bf16 tensors.');
  engine.write(tensor, flipped(data, element, bit));
}
