/** Runs found by the hash of their terms, and computed when a claim or a game asks for them. */
import { type CommittedRun, commitRun } from '../../audit/commit-run.ts';
import { openRunArchive } from '../../audit/run-archive.ts';
import { planRun, type RunPlan } from '../../audit/run-plan.ts';
import { decodeRunSpec } from '../../audit/run-spec.ts';
import type { FindRun } from '../../chain/disputes/agents/run-cache.ts';
import type { Engine } from '../../compute/engines/engine.ts';
import { checkpointRoot } from '../../models/checkpoint/root.ts';
import { type Checkpoint, checkpointContents, decodeCheckpoint } from '../../models/decoder/checkpoint.ts';
import type { Directory } from '../../models/storage/directory.ts';
import type { Evidence, EvidenceOptions } from '../../protocol/evidence.ts';
import type { Hex } from '../../protocol/hex.ts';
import { memoizePromise } from '../../protocol/memoize-promise.ts';
import { SerialQueue } from '../../protocol/serial-queue.ts';
import { type VerifiedRun, verifyRun } from '../../protocol/verified-run.ts';
import type { RunSource } from './published-runs.ts';

export interface RunEvidenceOptions {
  readonly sources: readonly RunSource[];
  /** The checkpoint that everybody has: the published model with a fresh optimizer. */
  readonly known: () => Promise<Checkpoint>;
  readonly openEngine: () => Promise<Engine>;
  /** Opens the folder that keeps the run of these terms, so that a restart computes nothing twice. */
  readonly folder: (terms: Hex) => Promise<Directory>;
  /** Longer runs are not computed. */
  readonly maxSteps: number;
  /** How many steps lie between two kept checkpoints. Defaults to 10. */
  readonly keepEvery?: number;
  readonly onStep?: (terms: Hex, done: number, steps: number) => void;
}

/** A run that cannot be computed here. The message names the remedy. */
export class RunUnavailableError extends Error {
  override readonly name = 'RunUnavailableError';
}

/** Evidence by the hash of a run's terms. A run is computed only once somebody asks for a part of it. */
export function evidenceOfRuns(options: RunEvidenceOptions): FindRun {
  return async (terms, { signal }) => {
    const plan = await findPlan(options.sources, terms, signal);
    if (plan === undefined) return undefined;
    const { steps } = plan.spec;
    if (steps > options.maxSteps) {
      throw new RunUnavailableError(
        `The run ${short(terms)} has ${steps} steps and the limit here is ${options.maxSteps}. Raise --max-steps.`,
      );
    }
    const start = await findStart(options, plan, signal);
    return evidenceOf(options, terms, plan, start);
  };
}

/**
 * The plan of the run whose terms have this hash, verified; undefined where no source has a specification of
 * it. Rejects with the failure of a source where no other source has one.
 */
export async function findPlan(
  sources: readonly RunSource[],
  terms: Hex,
  signal?: AbortSignal,
): Promise<VerifiedRun<RunPlan> | undefined> {
  return firstOf(sources, async (source) => {
    for (const bytes of await source.specs(terms, signal)) {
      const plan = planOf(bytes);
      const verified = plan === undefined ? undefined : verifyRun(plan, terms);
      if (verified !== undefined) return verified;
    }
    return undefined;
  });
}

/**
 * The first answer of any source. A source that fails does not stop the others; if none answers, its failure
 * is thrown.
 */
async function firstOf<T>(
  sources: readonly RunSource[],
  ask: (source: RunSource) => Promise<T | undefined>,
): Promise<T | undefined> {
  let failure: unknown;
  for (const source of sources) {
    try {
      const answer = await ask(source);
      if (answer !== undefined) return answer;
    } catch (error) {
      failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
  return undefined;
}

/** Undefined for bytes that are no specification: anybody can publish anything under any hash. */
function planOf(bytes: Uint8Array): RunPlan | undefined {
  try {
    return planRun(decodeRunSpec(bytes));
  } catch {
    return undefined;
  }
}

async function findStart(
  { sources, known }: RunEvidenceOptions,
  { spec }: RunPlan,
  signal: AbortSignal | undefined,
): Promise<Checkpoint> {
  const { root } = spec.start;
  const model = await known();
  if (rootOf(model) === root) return model;
  const found = await firstOf(sources, async (source) => {
    const bytes = await source.checkpoint(root, signal);
    if (bytes === undefined) return undefined;
    const checkpoint = decodeCheckpoint(bytes);
    return rootOf(checkpoint) === root ? checkpoint : undefined;
  });
  if (found !== undefined) return found;
  throw new RunUnavailableError(
    `The run starts from a checkpoint that is not here. Put ${root}.safetensors beside its specification.`,
  );
}

function evidenceOf(
  options: RunEvidenceOptions,
  terms: Hex,
  plan: VerifiedRun<RunPlan>,
  start: Checkpoint,
): VerifiedRun<Evidence> {
  const { openEngine, folder, keepEvery = 10, onStep } = options;
  const openArchive = memoizePromise(async () => openRunArchive(await folder(terms)));
  // Computations share the archive, so they run one after another. Each opens an engine and stops it: a claim
  // that is right needs none afterwards.
  const queue = new SerialQueue();
  const withRun = <T>(use: (run: CommittedRun) => Promise<T>, { signal }: EvidenceOptions): Promise<T> =>
    queue.run(async () => {
      const archive = await openArchive();
      const engine = await openEngine();
      try {
        const run = await commitRun({
          engine,
          start,
          spec: plan.spec,
          archive,
          policy: { every: keepEvery },
          signal,
          onStep: (done) => onStep?.(terms, done, plan.spec.steps),
        });
        const used = await use(run);
        run.dispose();
        return used;
      } finally {
        await engine.stop();
      }
    });
  return {
    terms: plan.terms,
    program: plan.program,
    slotNames: plan.slotNames,
    dataRoots: plan.dataRoots,
    stepRoots: (asked = {}) => withRun((run) => run.stepRoots(), asked),
    trace: (step, asked = {}) => withRun((run) => run.trace(step, asked), asked),
  };
}

function rootOf(checkpoint: Checkpoint): Hex {
  return checkpointRoot(checkpointContents(checkpoint));
}

function short(hash: Hex): string {
  return `${hash.slice(0, 10)}…`;
}
