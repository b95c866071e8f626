/**
 * Computes a run, commits to the checkpoint after each step, keeps some of the checkpoints, and afterwards
 * gives evidence for any step. The author of a claim and an auditor use it in the same way.
 */

import type { Engine } from '../compute/engines/engine.ts';
import { checkpointLeaves, checkpointRoot } from '../models/checkpoint/root.ts';
import { type Checkpoint, checkpointContents } from '../models/decoder/checkpoint.ts';
import { openMemoryDirectory } from '../models/storage/memory-directory.ts';
import type { Evidence, EvidenceOptions, StepTrace } from '../protocol/evidence.ts';
import { type Hex, toHex } from '../protocol/hex.ts';
import { SerialQueue } from '../protocol/serial-queue.ts';
import { termsHash } from '../protocol/slot-encoding.ts';
import { openRunArchive, type RunArchive, type StoragePolicy } from './run-archive.ts';
import {
  checkpointAt,
  planRun,
  type RunPlan,
  rootOver,
  type StateTensors,
  stateTensors,
} from './run-plan.ts';
import type { RunSpec } from './run-spec.ts';
import { createStepComputer, type StepComputer } from './step-computer.ts';
import { stepTrace } from './step-trace.ts';

/** A computed run: evidence for every move of a dispute about it. */
export interface CommittedRun extends Evidence {
  readonly plan: RunPlan;
  /** The root over `roots`, to which a claim commits. */
  readonly root: Hex;
  /** Root of the checkpoint after each step. */
  readonly roots: readonly Hex[];
  readonly archive: RunArchive;
  /** The checkpoint after `step` steps, 0 to steps, computed from the last kept one before it. */
  checkpoint(step: number, options?: EvidenceOptions): Promise<Checkpoint>;
  /** Frees the run's tensors. The caller stops the engine. */
  dispose(): void;
}

/** A run cannot be computed or shown. The message tells the remedy. */
export class AuditError extends Error {
  override readonly name = 'AuditError';
}

export interface CommitOptions {
  /** The first checkpoint. */
  readonly start: Checkpoint;
  /** Defaults to an archive in memory. */
  readonly archive?: RunArchive;
  /** Defaults to every tenth checkpoint. */
  readonly policy?: StoragePolicy;
  readonly signal?: AbortSignal;
  /** Called after each computed step, with the number of steps done. */
  readonly onStep?: (done: number, root: Hex) => void;
}

export interface CommitRunOptions extends CommitOptions {
  readonly engine: Engine;
  readonly spec: RunSpec;
}

/**
 * Computes the run of a specification, or continues from the archive's last usable checkpoint. Throws
 * RunSpecError for a specification that cannot be planned, and AuditError when the first checkpoint is not
 * the specification's.
 */
export async function commitRun(options: CommitRunOptions): Promise<CommittedRun> {
  const plan = planRun(options.spec);
  const computer = createStepComputer({ engine: options.engine, plan });
  return await commitPlan({ ...options, plan, computer });
}

export interface CommitPlanOptions extends CommitOptions {
  readonly plan: RunPlan;
  readonly computer: StepComputer;
}

/** `commitRun` on a given computer. The computer is disposed of with the run, or when this throws. */
export async function commitPlan(options: CommitPlanOptions): Promise<CommittedRun> {
  const { plan, computer } = options;
  try {
    const archive = options.archive ?? openRunArchive(openMemoryDirectory());
    const roots = await compute({ ...options, archive, policy: options.policy ?? { every: 10 } });
    return committed({ plan, computer, archive, roots });
  } catch (error) {
    computer.dispose();
    throw error;
  }
}

function rootOf(checkpoint: Checkpoint): Hex {
  return checkpointRoot(checkpointContents(checkpoint));
}

async function compute(
  options: CommitPlanOptions & { readonly archive: RunArchive; readonly policy: StoragePolicy },
): Promise<readonly Hex[]> {
  const { plan, computer, start, archive, policy, signal } = options;
  const { spec } = plan;
  if (!Number.isInteger(policy.every) || policy.every < 1) {
    throw new AuditError('Keep every 1st, 2nd, ... checkpoint: the policy needs a whole number.');
  }
  if (rootOf(start) !== spec.start.root || start.state.step !== spec.start.step) {
    throw new AuditError(
      'This checkpoint is not the one that the run starts from. Get the one with the root that the specification names.',
    );
  }
  const key = termsHash(plan.terms);
  const known = await archive.roots(key);
  const roots: Hex[] = [];
  let state = stateTensors(start);
  const kept = await archive.kept();
  const first = await archive.load(0);
  if (first === undefined || rootOf(first) !== spec.start.root) await archive.save(0, start);
  // The latest checkpoint that has its root. The archive may be torn, or of another run.
  for (const step of kept.toReversed()) {
    const root = known[step - 1];
    if (root === undefined || step > spec.steps) continue;
    const checkpoint = await archive.load(step);
    if (checkpoint === undefined || rootOf(checkpoint) !== root) continue;
    roots.push(...known.slice(0, step));
    state = stateTensors(checkpoint);
    break;
  }
  for (let step = roots.length; step < spec.steps; step++) {
    signal?.throwIfAborted();
    state = await computer.advance(step, state, options);
    const checkpoint = checkpointAt(spec, step + 1, state);
    const root = rootOf(checkpoint);
    roots.push(root);
    if ((step + 1) % policy.every === 0 || step + 1 === spec.steps) {
      await archive.save(step + 1, checkpoint);
      await archive.saveRoots(key, roots);
    }
    options.onStep?.(step + 1, root);
  }
  return roots;
}

function committed(o: {
  readonly plan: RunPlan;
  readonly computer: StepComputer;
  readonly archive: RunArchive;
  readonly roots: readonly Hex[];
}): CommittedRun {
  const { plan, computer, archive, roots } = o;
  const { spec } = plan;
  // The computer has one set of tensors, so its work runs one call after another.
  const queue = new SerialQueue();
  const rootAfter = (step: number): Hex => {
    const root = step === 0 ? spec.start.root : roots[step - 1];
    if (root === undefined) throw new RangeError(`The run has ${spec.steps} steps, not ${step}.`);
    return root;
  };
  const replayTo = async (step: number, options: EvidenceOptions): Promise<StateTensors> => {
    rootAfter(step);
    for (const from of (await archive.kept()).toReversed()) {
      if (from > step) continue;
      const checkpoint = await archive.load(from);
      if (checkpoint === undefined || rootOf(checkpoint) !== rootAfter(from)) continue;
      let state = stateTensors(checkpoint);
      for (let done = from; done < step; done++) {
        options.signal?.throwIfAborted();
        state = await computer.advance(done, state, options);
      }
      return state;
    }
    throw new AuditError(
      'No checkpoint of this run can be read any more. Put the first one back and start again.',
    );
  };
  const traceOf = async (step: number, options: EvidenceOptions): Promise<StepTrace> => {
    const before = await replayTo(step, options);
    const checkpoint = checkpointAt(spec, step, before);
    const { tensors, after } = await computer.trace(step, before, options);
    if (rootOf(checkpointAt(spec, step + 1, after)) !== rootAfter(step + 1)) {
      throw new AuditError(
        `Step ${step} gave another result than before. This device computes wrongly: use another one.`,
      );
    }
    return stepTrace({
      program: plan.program,
      tensors,
      before: rootAfter(step),
      after: rootAfter(step + 1),
      checkpointLeaves: checkpointLeaves(checkpointContents(checkpoint)).map(toHex),
    });
  };
  return {
    plan,
    terms: plan.terms,
    program: plan.program,
    slotNames: plan.slotNames,
    dataRoots: plan.dataRoots,
    root: rootOver(roots),
    roots,
    archive,
    stepRoots: async () => roots,
    trace: (step, options = {}) => {
      if (!(step < spec.steps)) throw new RangeError(`The run has ${spec.steps} steps, not ${step + 1}.`);
      return queue.run(() => traceOf(step, options));
    },
    checkpoint: (step, options = {}) =>
      queue.run(async () => checkpointAt(spec, step, await replayTo(step, options))),
    dispose: () => computer.dispose(),
  };
}
