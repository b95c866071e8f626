import * as Comlink from 'comlink';
import type { Evidence, EvidenceOptions, StepTrace } from '../../chain/disputes/evidence.ts';
import { fromPlainError } from './plain-error.ts';
import type {
  OpenedRun,
  OpenRun,
  PlannedRun,
  RunCalls,
  RunMethod,
  RunProgress,
  RunWorkerApi,
} from './run-api.ts';

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
export function connectRuns(
  endpoint: Comlink.Endpoint,
  listener: (progress: RunProgress) => void,
): RunsClient {
  const remote = Comlink.wrap<RunWorkerApi>(endpoint);
  const listening = remote.listen(Comlink.proxy(listener));
  let last = 0;

  async function call<M extends RunMethod>(
    method: M,
    args: RunCalls[M]['args'],
    signal?: AbortSignal,
  ): Promise<RunCalls[M]['result']> {
    signal?.throwIfAborted();
    await listening;
    const id = ++last;
    const cancel = () => void remote.cancel(id);
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      // Aborted while the listener was handed over: the event has already fired.
      signal?.throwIfAborted();
      const outcome = await (remote.call as RunWorkerApi['call'])(id, method, args);
      if (outcome.ok) return outcome.value;
      throw outcome.error.kind === 'aborted' && signal?.aborted === true
        ? signal.reason
        : fromPlainError(outcome.error);
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

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
