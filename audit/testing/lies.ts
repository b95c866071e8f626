/** A computer that is honest but for one thing, and consistent with it afterwards: what an able liar would commit to. */
import type { Engine, RunOptions, Tensor } from '../../compute/engines/engine.ts';
import type { Program } from '../../compute/repops/program.ts';
import type { Action } from '../recipe.ts';
import type { RunPlan, StateTensors } from '../run-plan.ts';
import { createStepComputer, type StepComputer } from '../step-computer.ts';

interface Bend {
  readonly step: number;
  /** As in `RunPlan.slotNames`. */
  readonly slot: string;
  readonly element: number;
  /** Bits that are flipped. */
  readonly mask: number;
}

export type Lie =
  /** Bits of an operator's output, such as a gradient. What follows is computed from it. */
  | ({ readonly kind: 'output' } & Bend)
  /** Bits of a parameter or moment as the step found it: another state than the checkpoint before has. */
  | ({ readonly kind: 'state' } & Bend)
  /** The uniforms of one draw are those of another. */
  | { readonly kind: 'draw'; readonly step: number; readonly slot: string }
  /** The step is given what belongs to another. */
  | { readonly kind: 'batch'; readonly step: number; readonly other: number }
  /** The checkpoint after the step has the tensors of the one before. */
  | { readonly kind: 'skip'; readonly step: number };

export interface LyingOptions {
  readonly engine: Engine;
  readonly plan: RunPlan;
  readonly lie: Lie;
}

/** A computer of the plan's steps that tells one lie. For `commitPlan` with the honest plan. */
export function lyingComputer({ engine, plan, lie }: LyingOptions): StepComputer {
  /** The step being computed, and how many programs of it were run. */
  const now = { step: -1, runs: 0 };
  const crookedPlan: RunPlan = {
    ...plan,
    get recipe() {
      return lie.kind === 'draw' && now.step === lie.step
        ? { ...plan.recipe, actions: redrawn(plan, lie.slot) }
        : plan.recipe;
    },
    get encoded() {
      if (lie.kind !== 'draw' || now.step !== lie.step) return plan.encoded;
      const actions = redrawn(plan, lie.slot);
      return {
        ...plan.encoded,
        actions: plan.encoded.actions.map((entry, i) => {
          const action = actions[i];
          return entry.kind === 'draw' && action?.kind === 'draw' ? { ...entry, action } : entry;
        }),
      };
    },
    given(step) {
      now.step = step;
      now.runs = 0;
      return plan.given(lie.kind === 'batch' && step === lie.step ? lie.other : step);
    },
  };
  const bend = lie.kind === 'output' ? placeOf(plan, lie) : undefined;
  const crookedEngine: Engine = {
    ...engine,
    kind: engine.kind,
    description: engine.description,
    allocate: (shape, dtype) => engine.allocate(shape, dtype),
    write: (tensor, data) => engine.write(tensor, data),
    read: (tensor) => engine.read(tensor),
    free: (tensor) => engine.free(tensor),
    stop: () => engine.stop(),
    run(program, bindings, options) {
      const run = now.runs;
      now.runs += 1;
      if (bend === undefined || now.step !== bend.step || run !== bend.run) {
        return engine.run(program, bindings, options);
      }
      return runBent({ engine, program, bindings, bend, options });
    },
  };
  const inner = createStepComputer({ engine: crookedEngine, plan: crookedPlan });
  const begun = (step: number, before: StateTensors): StateTensors =>
    lie.kind === 'state' && step === lie.step ? bentState(before, lie) : before;
  return {
    async advance(step, before, options) {
      const after = await inner.advance(step, begun(step, before), options);
      return lie.kind === 'skip' && step === lie.step ? before : after;
    },
    async trace(step, before, options) {
      const trace = await inner.trace(step, begun(step, before), options);
      return lie.kind === 'skip' && step === lie.step ? { ...trace, after: before } : trace;
    },
    dispose: () => inner.dispose(),
  };
}

/** The actions with the draw of that slot taken from another key. */
function redrawn(plan: RunPlan, slot: string): readonly Action[] {
  const keys = plan.recipe.actions.flatMap((action) => (action.kind === 'draw' ? [action.key] : []));
  return plan.recipe.actions.map((action) => {
    if (action.kind !== 'draw' || action.output !== slot) return action;
    const other = keys.find((key) => key !== action.key);
    if (other === undefined) throw new RangeError('A run with one draw has no other to take it from.');
    return { ...action, key: other };
  });
}

interface BendPlace extends Bend {
  /** Among the programs of the step. */
  readonly run: number;
  readonly node: number;
  readonly output: number;
}

function placeOf(plan: RunPlan, bend: Bend): BendPlace {
  const slot = plan.slotNames.indexOf(bend.slot);
  let run = 0;
  for (const entry of plan.encoded.actions) {
    if (entry.kind === 'draw') continue;
    const { firstSlot, outputs, program } = entry.traced;
    if (slot >= firstSlot && slot < firstSlot + outputs.length) {
      let left = slot - firstSlot;
      const node = program.nodes.findIndex((each) => {
        if (left < each.outputs.length) return true;
        left -= each.outputs.length;
        return false;
      });
      return { ...bend, run, node, output: left };
    }
    run += 1;
  }
  throw new RangeError(`${bend.slot} is not an operator's output.`);
}

/** Runs the program up to the node, bends its output, and runs the rest. */
async function runBent(o: {
  readonly engine: Engine;
  readonly program: Program;
  readonly bindings: Readonly<Record<string, Tensor>>;
  readonly bend: BendPlace;
  readonly options: RunOptions | undefined;
}): Promise<void> {
  const { engine, program, bend } = o;
  const bindings = { ...o.bindings };
  const extra: Tensor[] = [];
  for (const [name, { shape, dtype }] of Object.entries(program.tensors)) {
    if (bindings[name] !== undefined) continue;
    const tensor = engine.allocate(shape, dtype);
    extra.push(tensor);
    bindings[name] = tensor;
  }
  const tensors = Object.fromEntries(
    Object.entries(program.tensors).map(([name, spec]) => [name, { ...spec, storage: 'bound' as const }]),
  );
  const part = (nodes: Program['nodes']): Program => ({ name: program.name, tensors, nodes });
  try {
    await engine.run(part(program.nodes.slice(0, bend.node + 1)), bindings, o.options);
    const tensor = bindings[program.nodes[bend.node]?.outputs[bend.output] ?? ''];
    if (tensor === undefined) throw new RangeError(`${bend.slot} has no tensor.`);
    const data = await engine.read(tensor);
    flip(new Uint32Array(data.buffer, data.byteOffset, data.length), bend);
    engine.write(tensor, data);
    const rest = program.nodes.slice(bend.node + 1);
    if (rest.length > 0) await engine.run(part(rest), bindings, o.options);
  } finally {
    for (const tensor of extra) engine.free(tensor);
  }
}

function bentState(before: StateTensors, bend: Bend): StateTensors {
  const words = before.get(bend.slot)?.slice();
  if (words === undefined) throw new RangeError(`${bend.slot} is no tensor of the state.`);
  flip(new Uint32Array(words.buffer), bend);
  return new Map([...before, [bend.slot, words]]);
}

function flip(words: Uint32Array, { element, mask, slot }: Bend): void {
  const found = words[element];
  if (found === undefined) throw new RangeError(`${slot} has no element ${element}.`);
  words[element] = (found ^ mask) >>> 0;
}
