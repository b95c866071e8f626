import type { Endpoint } from 'comlink';
import type { Evidence, EvidenceOptions, StepTrace } from '../protocol/evidence.ts';
import { type ConnectOptions, connectCalls } from './cancellable-calls.ts';
import type { OpenedRun, OpenRun, PlannedRun, RunCalls, RunProgress } from './run-api.ts';

/** A run that another thread computed: evidence for every move of a dispute about it. */
export interface RemoteRun extends Evidence, Pick<OpenedRun, 'root' | 'roots' | 'engine'> {
  /** The checkpoint file after `step` steps. */
  checkpoint(step: number, options?: EvidenceOptions): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * The run worker in the thread that made it. Rejects with ComputeError, or with AbortError after an abort.
 */
export interface RunsClient {
  specify(args: RunCalls['specify']['args'], signal?: AbortSignal): Promise<RunCalls['specify']['result']>;
  /** The terms and the program of a specification, in at most `budgetMs`. Does not compute the run. */
  plan(spec: Uint8Array, budgetMs: number, signal?: AbortSignal): Promise<PlannedRun>;
  /** Computes the run, or continues from the last checkpoint in its folder. */
  open(run: OpenRun, signal?: AbortSignal): Promise<RemoteRun>;
}

/** Connects to a worker that runs run.worker.ts. */
export function connectRuns(
  endpoint: Endpoint,
  listener: (progress: RunProgress) => void,
  options?: ConnectOptions,
): RunsClient {
  const call = connectCalls<RunCalls, RunProgress>(endpoint, listener, options);

  const traceOf = async (run: number, step: number, options: EvidenceOptions): Promise<StepTrace> => {
    const { trace, ...roots } = await call('trace', { run, step }, options.signal);
    return {
      ...roots,
      tensor: (slot) => call('tensor', { trace, slot }),
      accumulators: (slot, element) => call('accumulators', { trace, slot, element }),
      needed: (slot, element, chunk) => call('needed', { trace, slot, element, chunk: chunk ?? null }),
    };
  };

  return {
    specify: (args, signal) => call('specify', args, signal),
    plan: (spec, budgetMs, signal) => call('plan', { spec, budgetMs }, signal),
    async open(options, signal) {
      const { run, ...opened } = await call('open', options, signal);
      return {
        ...opened,
        stepRoots: async () => opened.roots,
        trace: (step, inner = {}) => traceOf(run, step, inner),
        checkpoint: (step, inner = {}) => call('checkpoint', { run, step }, inner.signal),
        close: async () => {
          await call('close', { run });
        },
      };
    },
  };
}
