import { type CommittedRun, commitPlan } from '../audit/commit-run.ts';
import { planWithin } from '../audit/plan-within.ts';
import { openRunArchive } from '../audit/run-archive.ts';
import type { RunPlan } from '../audit/run-plan.ts';
import { decodeRunSpec, encodeRunSpec, type RunSpec, runSpecOf } from '../audit/run-spec.ts';
import { createStepComputer } from '../audit/step-computer.ts';
import type { Engine } from '../compute/engines/engine.ts';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '../models/decoder/checkpoint.ts';
import { loadModel } from '../models/decoder/load.ts';
import { freshState } from '../models/decoder/state.ts';
import type { Directory } from '../models/storage/directory.ts';
import { openMemoryDirectory } from '../models/storage/memory-directory.ts';
import type { StepTrace } from '../protocol/evidence.ts';
import { termsHash } from '../protocol/slot-encoding.ts';
import { serveCalls } from './cancellable-calls.ts';
import { fetchModelFiles, modelAt } from './published-model.ts';
import type { RunCalls, RunProgress, RunStart, RunWorkerApi } from './run-api.ts';
import { messageYielder } from './yield-to-messages.ts';

/** What the service needs from its worker: storage, engines and the network. */
export interface RunEnvironment {
  /** Opens the folder of a run's checkpoints. Throws StorageError when there is no storage. */
  openFolder(name: string): Promise<Directory>;
  /** Opens an engine that gives the specified bits. */
  openEngine(threads: number, signal: AbortSignal): Promise<Engine>;
  /** Defaults to the global `fetch`. */
  readonly fetcher?: typeof fetch;
}

interface Running {
  readonly run: CommittedRun;
  readonly engine: Engine;
}

/** Most traces kept. The trace of a step takes megabytes, and a game reads one at a time. */
const MAX_TRACES = 4;

/** A published model with a fresh optimizer: the first checkpoint of every run that starts from the model. */
async function checkpointOfModel(
  url: string,
  options: { readonly fetcher?: typeof fetch; readonly signal?: AbortSignal } = {},
): Promise<Checkpoint> {
  const { fetcher, signal } = options;
  const files = await fetchModelFiles(modelAt(url, { fetcher }), signal);
  const { config, parameters } = loadModel(files);
  return { config, state: freshState(config, parameters), cursor: 0, rngKey: '0x00000000' };
}

/** The plan of a run. Other calls and an abort get their turn meanwhile. */
function planOf(spec: RunSpec, signal: AbortSignal, budgetMs = Number.POSITIVE_INFINITY): Promise<RunPlan> {
  const now = (): number => performance.now();
  return planWithin(spec, { signal, budgetMs, now, letOthersIn: messageYielder(now) });
}

/**
 * The worker's side of RunWorkerApi. It holds any number of runs, each on its own engine until it is closed.
 */
export function createRunService(environment: RunEnvironment): RunWorkerApi {
  const { fetcher } = environment;
  const runs = new Map<number, Running>();
  const traces = new Map<number, StepTrace>();
  let last = 0;

  const runningOf = (run: number): Running => {
    const found = runs.get(run);
    if (found === undefined) throw new Error('This run was closed. Open it again.');
    return found;
  };
  const traceOf = (trace: number): StepTrace => {
    const found = traces.get(trace);
    if (found === undefined) throw new Error('This trace was put away. Ask for the step again.');
    return found;
  };
  const startOf = (start: RunStart, signal: AbortSignal): Checkpoint | Promise<Checkpoint> =>
    start.kind === 'file' ? decodeCheckpoint(start.bytes) : checkpointOfModel(start.url, { signal, fetcher });

  return serveCalls<RunCalls, RunProgress>(({ emit }) => ({
    async specify({ model, steps, seed, learningRate, rows, length }, signal) {
      const start = await startOf({ kind: 'model', url: model }, signal);
      const spec = runSpecOf({
        start,
        steps,
        seed,
        learningRate,
        work: { kind: 'supervised', rows, length },
      });
      return { spec: encodeRunSpec(spec), terms: (await planOf(spec, signal)).terms };
    },
    async plan({ spec, budgetMs }, signal) {
      const { terms, program, slotNames } = await planOf(decodeRunSpec(spec), signal, budgetMs);
      return { terms, program, slotNames };
    },
    async open({ spec: bytes, start, threads, folder }, signal) {
      const spec = decodeRunSpec(bytes);
      const plan = await planOf(spec, signal);
      const terms = termsHash(plan.terms);
      const checkpoint = await startOf(start, signal);
      const directory = folder === undefined ? openMemoryDirectory() : await environment.openFolder(folder);
      const engine = await environment.openEngine(threads, signal);
      try {
        const run = await commitPlan({
          plan,
          computer: createStepComputer({ engine, plan }),
          start: checkpoint,
          archive: openRunArchive(directory),
          signal,
          onStep: (done) => emit({ terms, done, steps: spec.steps }),
        });
        last += 1;
        runs.set(last, { run, engine });
        const { program, slotNames, dataRoots, root, roots } = run;
        return {
          run: last,
          terms: run.terms,
          program,
          slotNames,
          dataRoots,
          root,
          roots,
          engine: engine.description,
        };
      } catch (error) {
        await engine.stop();
        throw error;
      }
    },
    async trace({ run, step }, signal) {
      const trace = await runningOf(run).run.trace(step, { signal });
      last += 1;
      traces.set(last, trace);
      for (const old of [...traces.keys()].slice(0, -MAX_TRACES)) traces.delete(old);
      const { before, after, checkpointLeaves, roots } = trace;
      return { trace: last, before, after, checkpointLeaves, roots };
    },
    tensor: ({ trace, slot }) => traceOf(trace).tensor(slot),
    accumulators: ({ trace, slot, element }) => traceOf(trace).accumulators(slot, element),
    needed: ({ trace, slot, element, chunk }) => traceOf(trace).needed(slot, element, chunk ?? undefined),
    async checkpoint({ run, step }, signal) {
      return encodeCheckpoint(await runningOf(run).run.checkpoint(step, { signal }));
    },
    async close({ run }) {
      const found = runs.get(run);
      runs.delete(run);
      found?.run.dispose();
      await found?.engine.stop();
      return null;
    },
  }));
}
