import type { Endpoint } from 'comlink';
import type { Evidence, EvidenceOptions, StepTrace } from '../protocol/evidence.ts';
import { connectCalls } from './cancellable-calls.ts';
import type { OpenedRun, OpenRun, PlannedRun, RunCalls, RunProgress } from './run-api.ts';

/** A run that another thread did: evidence for every move of a dispute about it. */
export interface RemoteRun extends Evidence, Pick<OpenedRun, 'root' | 'roots' | 'engine'> {
  /** The checkpoint's file after so many steps. */
  checkpoint(step: number, options?: EvidenceOptions): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** The run worker as seen from the thread that made it. Rejects with ComputeError, or AbortError after an abort. */
export interface RunsClient {
  specify(args: RunCalls['specify']['args'], signal?: AbortSignal): Promise<RunCalls['specify']['result']>;
  /** What a specification is about, without doing it. */
  plan(spec: Uint8Array, signal?: AbortSignal): Promise<PlannedRun>;
  /** Does the run, or goes on where its folder's last checkpoint ends. */
  open(run: OpenRun, signal?: AbortSignal): Promise<RemoteRun>;
}

/** Speaks to a worker running run.worker.ts. Signals, which cannot cross threads, become cancel messages. */
export function connectRuns(endpoint: Endpoint, listener: (progress: RunProgress) => void): RunsClient {
  const call = connectCalls<RunCalls, RunProgress>(endpoint, listener);

  const traceOf = async (run: number, step: number, options: EvidenceOptions): Promise<StepTrace> => {
    const { trace, ...shown } = await call('trace', { run, step }, options.signal);
    return {
      ...shown,
      tensor: (slot) => call('tensor', { trace, slot }),
      accumulators: (slot, element) => call('accumulators', { trace, slot, element }),
      needed: (slot, element, chunk) => call('needed', { trace, slot, element, chunk: chunk ?? null }),
    };
  };

  return {
    specify: (args, signal) => call('specify', args, signal),
    plan: (spec, signal) => call('plan', { spec }, signal),
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
