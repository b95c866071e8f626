/** Runs found by the hash of their terms, and computed when a claim or a game asks for them. */
import { type CommittedRun, commitPlan } from '../../audit/commit-run.ts';
import type { FetchDescriptions, PlanSearch, SearchOptions } from '../../audit/plan-search.ts';
import { openRunArchive } from '../../audit/run-archive.ts';
import type { RunPlan } from '../../audit/run-plan.ts';
import { createStepComputer } from '../../audit/step-computer.ts';
import type { FindRun, PriceRun } from '../../chain/disputes/agents/run-cache.ts';
import type { Engine } from '../../compute/engines/engine.ts';
import { checkpointRoot } from '../../models/checkpoint/root.ts';
import { type Checkpoint, checkpointContents, decodeCheckpoint } from '../../models/decoder/checkpoint.ts';
import type { Directory } from '../../models/storage/directory.ts';
import type { Evidence, EvidenceOptions } from '../../protocol/evidence.ts';
import { type Hex, toHex } from '../../protocol/hex.ts';
import { memoizePromise } from '../../protocol/memoize-promise.ts';
import { SerialQueue } from '../../protocol/serial-queue.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { VerifiedRun } from '../../protocol/verified-run.ts';
import type { RunSource } from './published-runs.ts';

export interface RunEvidenceOptions {
  readonly sources: readonly RunSource[];
  /** The checkpoint that everybody has: the published model with a fresh optimizer. */
  readonly known: () => Promise<Checkpoint>;
  readonly openEngine: () => Promise<Engine>;
  /** Opens the folder that keeps the run of these terms, so that a restart computes nothing twice. */
  readonly folder: (terms: Hex) => Promise<Directory>;
  /** Finds the description of a run. It remembers what it has planned, so a process needs only one. */
  readonly search: PlanSearch<RunPlan>;
  /** How many steps lie between two kept checkpoints. Defaults to 10. */
  readonly keepEvery?: number;
  readonly onStep?: (terms: Hex, done: number, steps: number) => void;
}

/** A run that cannot be computed here. The message names the remedy. */
export class RunUnavailableError extends Error {
  override readonly name = 'RunUnavailableError';
}

/** Evidence by the hash of a run's terms. A run is computed only once somebody asks for a part of it. */
export function evidenceOfRuns(options: RunEvidenceOptions): { find: FindRun; price: PriceRun } {
  const { search, sources } = options;
  return {
    price: (terms, asked) => search.price(terms, fetchFrom(sources, terms, asked.signal), asked),
    async find(terms, asked) {
      const plan = await findPlan(search, sources, terms, asked);
      return plan && evidenceOf(options, terms, plan, await findStart(options, plan, asked.signal));
    },
  };
}

/**
 * The plan of the run whose terms have this hash, verified; undefined where no source has a specification of
 * it, or where the time of one look is spent. Rejects with the failure of a source where no other source has
 * one, and with RunUnavailableError where there are only descriptions of longer runs.
 */
export async function findPlan(
  search: PlanSearch<RunPlan>,
  sources: readonly RunSource[],
  terms: Hex,
  options: SearchOptions = {},
): Promise<VerifiedRun<RunPlan> | undefined> {
  const result = await search.find(terms, fetchFrom(sources, terms, options.signal), options);
  if (result.kind === 'found') return result.plan;
  if (result.kind === 'refused') {
    throw new RunUnavailableError(
      `The descriptions of the run ${short(terms)} are of runs too long to repeat here, or in the time that is left. Raise --max-steps if they have more steps than that.`,
    );
  }
  return undefined;
}

/** The descriptions of the first source that has any which are wanted. */
function fetchFrom(
  sources: readonly RunSource[],
  terms: Hex,
  signal: AbortSignal | undefined,
): FetchDescriptions {
  return async (wants) => {
    const fetched = await firstOf(sources, async (source) => {
      const found = await source.specs(terms, { wants, signal });
      const wanted = found.filter((bytes) => wants(toHex(sha256Of(bytes))));
      return wanted.length === 0 ? undefined : wanted;
    });
    return fetched ?? [];
  };
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
        const run = await commitPlan({
          plan,
          computer: createStepComputer({ engine, plan }),
          start,
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
