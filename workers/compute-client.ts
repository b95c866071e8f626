import type { Endpoint } from 'comlink';
import type { Trainer } from '../protocol/trainer.ts';
import type { Skill } from '../training/measure.ts';
import { connectCalls } from './cancellable-calls.ts';
import type { ComputeCalls, ComputeEvent, ComputeStart, ComputeStarted } from './compute-api.ts';
import type { SampleAnswer, StoredCheckpoint } from './compute-host.ts';

/** The compute worker as seen from the thread that made it. Rejects with ComputeError, or AbortError after an abort. */
export interface ComputeClient extends Trainer {
  start(options: ComputeStart, signal?: AbortSignal): Promise<ComputeStarted>;
  /** The stored checkpoint of a device, null where there is none. Needs no `start`. */
  stored(of: Pick<ComputeStart, 'device' | 'run'>): Promise<StoredCheckpoint | null>;
  /** The last stored checkpoint. */
  checkpoint(): Promise<StoredCheckpoint>;
  /** The most likely answers of the stored weights to the first held-out questions. */
  sampleAnswers(count: number, signal?: AbortSignal): Promise<readonly SampleAnswer[]>;
  /** How well the current weights do on held-out questions: the measure that a round's outcome carries. */
  measure(signal?: AbortSignal): Promise<Skill>;
  /** Computes for about this share of the time, 0.1 to 1, from now on, also within a call in progress. */
  setShare(share: number): Promise<void>;
  /** Gives up calls in progress and frees the engine. What was stored stays; `start` may follow. */
  stop(): Promise<void>;
}

/**
 * Speaks to a worker running compute.worker.ts (or anything else that exposes ComputeWorkerApi). Signals, which cannot cross
 * threads, become cancel messages.
 */
export function connectCompute(endpoint: Endpoint, listener: (event: ComputeEvent) => void): ComputeClient {
  const call = connectCalls<ComputeCalls, ComputeEvent>(endpoint, listener);
  return {
    start: (options, signal) => call('start', options, signal),
    prompts: (context) => call('prompts', { context }),
    answer: (context, signal) => call('answer', { context }, signal),
    critique: (context, others, signal) => call('critique', { context, others }, signal),
    vote: (context, all, critiques, signal) => call('vote', { context, all, critiques }, signal),
    train: (context, own, foreign, signal) => call('train', { context, own, foreign }, signal),
    stored: (of) => call('stored', of),
    checkpoint: () => call('checkpoint', {}),
    sampleAnswers: (count, signal) => call('sampleAnswers', { count }, signal),
    measure: (signal) => call('measure', {}, signal),
    async setShare(share) {
      await call('setShare', { share });
    },
    async stop() {
      await call('stop', {});
    },
  };
}
