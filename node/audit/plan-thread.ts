/**
 * Plans runs in a thread of their own. A stranger's specification can then be given up at any moment, even
 * within one piece of work, and what the auditor does meanwhile is not held up.
 */
import type { Worker } from 'node:worker_threads';
import type { PlanDescription } from '../../audit/plan-search.ts';
import { PlanTimeoutError } from '../../audit/plan-within.ts';
import { costOfRun } from '../../audit/run-cost.ts';
import { planOfDataRoots, type RunPlan } from '../../audit/run-plan.ts';
import { decodeRunSpec, RunSpecError } from '../../audit/run-spec.ts';
import type { Hex } from '../../protocol/hex.ts';
import { SerialQueue } from '../../protocol/serial-queue.ts';
import { startThread } from '../threads/typescript-thread.ts';

/** What the thread answers to the bytes of a specification. */
export type PlanAnswer =
  | { readonly kind: 'planned'; readonly dataRoots: readonly Hex[] }
  | { readonly kind: 'unusable'; readonly problem: string };

/** One thread that plans one run after another. It starts with the first. */
class PlanThread {
  readonly #queue = new SerialQueue();
  #worker: Worker | undefined;

  /** Plans a run. Rejects as `planWithin` does. The budget begins when the thread takes the run. */
  readonly plan: PlanDescription<RunPlan> = (bytes, options) =>
    this.#queue.run(async () => {
      const { budgetMs, signal } = options;
      signal?.throwIfAborted();
      const answer = await this.#ask(bytes, budgetMs, signal);
      if (answer.kind === 'unusable') throw new RunSpecError(answer.problem);
      return planOfDataRoots(decodeRunSpec(bytes), answer.dataRoots);
    });

  /** Ends the thread. A plan in progress rejects. */
  async stop(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #ask(bytes: Uint8Array, budgetMs: number, signal: AbortSignal | undefined): Promise<PlanAnswer> {
    return new Promise((resolve, reject) => {
      const worker = this.#start();
      let timer: NodeJS.Timeout | undefined;
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        worker.off('message', listen).off('error', giveUp).off('exit', exit);
        // An idle thread does not keep the process.
        worker.unref();
      };
      const giveUp = (reason: unknown): void => {
        settle();
        reject(reason);
        void this.stop();
      };
      const abort = (): void => giveUp(signal?.reason);
      signal?.addEventListener('abort', abort, { once: true });
      // The thread says when it has started: loading its program is not the description's fault.
      const listen = (answer: PlanAnswer | { readonly kind: 'started' }): void => {
        if (answer.kind === 'started') {
          timer = setTimeout(() => giveUp(new PlanTimeoutError(budgetMs)), budgetMs);
          return;
        }
        settle();
        resolve(answer);
      };
      const exit = (code: number): void =>
        giveUp(new Error(`The planning thread ended with ${code}. Try again.`));
      worker.on('message', listen).on('error', giveUp).on('exit', exit);
      worker.ref();
      worker.postMessage(bytes);
    });
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = startThread(new URL('./plan-thread.worker.ts', import.meta.url));
    // A thread that died while it was idle is replaced by the next plan.
    const forget = (): void => {
      if (this.#worker === worker) this.#worker = undefined;
    };
    this.#worker = worker.on('error', forget).on('exit', forget);
    return worker;
  }
}

/** A description priced above this, in ms, waits for others of its kind only. */
const HEAVY_MS = 500;

/** Two threads, so that no cheap description waits for a dear one. They start with their first plan. */
export class PlanThreads {
  readonly #light = new PlanThread();
  readonly #heavy = new PlanThread();

  /** Plans a run. Rejects as `planWithin` does. */
  readonly plan: PlanDescription<RunPlan> = (bytes, options) => {
    const { planMs } = costOfRun(decodeRunSpec(bytes));
    return (planMs > HEAVY_MS ? this.#heavy : this.#light).plan(bytes, options);
  };

  /** Ends the threads. Plans in progress reject. */
  async stop(): Promise<void> {
    await Promise.all([this.#light.stop(), this.#heavy.stop()]);
  }
}
