/** Runs found by the hash of their terms, and computed when a claim or a game asks. */

import { type CommittedRun, commitRun } from '../../audit/commit-run.ts';
import { openRunArchive, type RunArchive } from '../../audit/run-archive.ts';
import { planRun, type RunPlan } from '../../audit/run-plan.ts';
import { decodeRunSpec } from '../../audit/run-spec.ts';
import type { FindEvidence } from '../../chain/disputes/agents/run-cache.ts';
import type { Engine } from '../../compute/engines/engine.ts';
import { checkpointRoot } from '../../models/checkpoint/root.ts';
import { type Checkpoint, checkpointContents, decodeCheckpoint } from '../../models/decoder/checkpoint.ts';
import type { Directory } from '../../models/storage/directory.ts';
import type { Evidence, EvidenceOptions } from '../../protocol/evidence.ts';
import type { Hex } from '../../protocol/hex.ts';
import { termsHash } from '../../protocol/slot-encoding.ts';
import type { RunSource } from './published-runs.ts';

export interface RunEvidenceOptions {
  readonly sources: readonly RunSource[];
  /** A checkpoint that everybody has: the published model. */
  readonly known: () => Promise<Checkpoint>;
  readonly openEngine: () => Promise<Engine>;
  /** Where a run of these terms is kept, so that a restart computes nothing twice. */
  readonly folder: (terms: Hex) => Promise<Directory>;
  /** Longer runs are not computed. */
  readonly maxSteps: number;
  /** Keeps every so manyth checkpoint. Default 10. */
  readonly keepEvery?: number;
  readonly onStep?: (terms: Hex, done: number, steps: number) => void;
}

/** A run that cannot be computed here. The message names the remedy. */
export class RunUnavailable extends Error {
  override readonly name = 'RunUnavailable';
}

/** Evidence by the hash of a run's terms. Nothing is computed before the first question about it. */
export function evidenceOfRuns(options: RunEvidenceOptions): FindEvidence {
  return async (terms, { signal }) => {
    const plan = await findPlan(options.sources, terms, signal);
    if (plan === undefined) return undefined;
    const { steps } = plan.spec;
    if (steps > options.maxSteps) {
      throw new RunUnavailable(
        `The run ${short(terms)} has ${steps} steps and the limit here is ${options.maxSteps}. Raise --max-steps.`,
      );
    }
    const start = await findStart(options, plan, signal);
    return evidenceOf(options, terms, plan, start);
  };
}

/** The plan of the run whose terms have this hash; undefined where no source has a specification that does. */
export async function findPlan(
  sources: readonly RunSource[],
  terms: Hex,
  signal?: AbortSignal,
): Promise<RunPlan | undefined> {
  return firstOf(sources, async (source) => {
    for (const bytes of await source.specs(terms, signal)) {
      const plan = planOf(bytes);
      if (plan !== undefined && termsHash(plan.terms) === terms) return plan;
    }
    return undefined;
  });
}

/** The first answer of any source. One that fails stands in no other's way; when none answers, its failure is the reason. */
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

/** Anybody can publish anything under any hash: what is no specification is passed over. */
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
  throw new RunUnavailable(
    `The run starts from a checkpoint that is not here. Put ${root}.safetensors beside its specification.`,
  );
}

function evidenceOf(options: RunEvidenceOptions, terms: Hex, plan: RunPlan, start: Checkpoint): Evidence {
  const { openEngine, folder, keepEvery = 10, onStep } = options;
  let archive: Promise<RunArchive> | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  // One after another, for they share the archive; an engine only for as long as it computes, for a claim that is right needs none.
  const withRun = <T>(use: (run: CommittedRun) => Promise<T>, { signal }: EvidenceOptions): Promise<T> => {
    const result = turn.then(async () => {
      archive ??= folder(terms).then(openRunArchive);
      const engine = await openEngine();
      try {
        const run = await commitRun({
          ...{ engine, start, spec: plan.spec, archive: await archive, policy: { every: keepEvery } },
          ...(signal === undefined ? {} : { signal }),
          onStep: (done) => onStep?.(terms, done, plan.spec.steps),
        });
        const used = await use(run);
        run.dispose();
        return used;
      } finally {
        await engine.stop();
      }
    });
    turn = result.catch(() => undefined);
    return result;
  };
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
