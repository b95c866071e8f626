/**
 * Runs over blocks as a claimant has them whose devices computed rightly, or of whose devices one lied in one
 * place of one hop.
 */
import { foldTotal } from '../../audit/folds.ts';
import { hopShapeOf } from '../../audit/recompute-hop.ts';
import {
  checkpointAt,
  planRun,
  type RunPlan,
  rootOver,
  type StateTensors,
  stateTensors,
} from '../../audit/run-plan.ts';
import { stepTrace } from '../../audit/step-trace.ts';
import { type Lie, lyingStep } from '../../audit/testing/block-lies.ts';
import { BLOCKS, tinySpec, tinyStart } from '../../audit/testing/tiny-run.ts';
import { forgedAccumulators } from '../../chain/disputes/testing/fault.ts';
import type { Engine } from '../../compute/engines/engine.ts';
import { checkpointLeaves, checkpointRoot } from '../../models/checkpoint/root.ts';
import { checkpointContents } from '../../models/decoder/checkpoint.ts';
import type { StepTrace } from '../../protocol/evidence.ts';
import { toHex } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import type { ClaimantFixture } from './claimant-fixture.ts';
import type { Draws } from './draws.ts';
import { ENGINE_JUDGE } from './engine-judge.ts';
import type { Fixtures } from './match.ts';

const STEPS = 2;
const start = tinyStart();

/** The run that the games over blocks are about: three microbatches of a model with one block of layers. */
export function blockPlanOfGames(): RunPlan {
  return planRun(tinySpec({ start, work: BLOCKS, steps: STEPS }));
}

/** A lie in a step of the run. */
export interface StepLie extends Lie {
  readonly step: number;
}

/** The run as a claimant has it. */
export async function blockFixture(plan: RunPlan, engine: Engine, lie?: StepLie): Promise<ClaimantFixture> {
  const traces: StepTrace[] = [];
  let state = stateTensors(start);
  for (let step = 0; step < STEPS; step++) {
    const here = lie?.step === step ? { lie } : {};
    const tensors = await lyingStep({ engine, plan, step, before: state, ...here });
    const after: StateTensors = new Map(
      plan.encoded.after.map(({ name, slot }) => [name, floats(must(tensors, slot))]),
    );
    const before = checkpointContents(checkpointAt(plan.spec, step, state));
    const trace = stepTrace({
      program: plan.program,
      tensors,
      before: checkpointRoot(before),
      after: checkpointRoot(checkpointContents(checkpointAt(plan.spec, step + 1, after))),
      checkpointLeaves: checkpointLeaves(before).map(toHex),
    });
    traces.push(withForgedSums(plan, trace));
    state = after;
  }
  const roots = traces.map(({ after }) => after);
  const { terms, program, slotNames, dataRoots } = plan;
  return {
    ...{ terms, program, slotNames, dataRoots, root: rootOver(roots) },
    stepRoots: () => Promise.resolve(roots),
    trace: (step) => Promise.resolve(must(traces, step)),
  };
}

function floats(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer);
}

/** A claimant whose element is false has no sums that come to it, and posts others that do. */
function withForgedSums(plan: RunPlan, trace: StepTrace): StepTrace {
  return {
    ...trace,
    async accumulators(slot, element) {
      const sums = await trace.accumulators(slot, element);
      const claimed = must(new Uint32Array((await trace.tensor(slot)).slice().buffer), element);
      const honest = foldTotal(must(plan.program, slot).node.op, [...sums]) === claimed;
      return honest ? sums : forgedAccumulators(sums.length, claimed);
    },
  };
}

/** A false word at a random place of a random hop. */
function randomLie(plan: RunPlan, draws: Draws): StepLie {
  const hop = draws.below(plan.encoded.actions.length);
  const { first, count } = hopShapeOf(plan, hop);
  return {
    step: draws.below(STEPS),
    hop,
    slot: first + draws.below(count),
    element: draws.word() & 0xffff,
    mask: 1 << draws.between(12, 25),
  };
}

/** The fixtures of matches about one run over blocks. What is true is computed once for all of them. */
export function blockFixtures(plan: RunPlan = blockPlanOfGames()) {
  let truth: Promise<ClaimantFixture> | undefined;
  return async (_seed: number, engine: Engine): Promise<Fixtures> => {
    truth ??= blockFixture(plan, engine);
    const right = await truth;
    return {
      truth: right,
      judge: ENGINE_JUDGE,
      async faulty(draws) {
        for (;;) {
          const fixture = await blockFixture(plan, engine, randomLie(plan, draws));
          if (fixture.root !== right.root) return fixture;
        }
      },
    };
  };
}
