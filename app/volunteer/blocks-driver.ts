/** A device's work in a swarm that trains in blocks, as one that is started, paused and stopped. */
import type { BlockSession } from '../../swarm/pipeline/block-session.ts';
import type { JoinBlocksOptions } from '../../swarm/pipeline/join-blocks.ts';
import type { DriverState, RoundEvent } from '../../swarm/rounds/events.ts';
import type { Scheduler } from '../../swarm/scheduler.ts';
import type { AssembledModel } from '../../workers/hop-api.ts';
import type { BlockComputer, BlocksWork } from './dependencies.ts';
import type { ShownBlocks } from './volunteer-events.ts';

type Session = Pick<BlockSession, 'view' | 'collect' | 'stop'>;

export interface BlocksDriverOptions {
  readonly blocks: Pick<BlockComputer, 'memory' | 'assemble' | 'worker'>;
  /** Joins the others. */
  readonly join: (listen: Pick<JoinBlocksOptions, 'onStep' | 'onChange'>) => Promise<Session>;
  readonly scheduler: Scheduler;
  readonly onRound: (event: RoundEvent) => void;
  readonly onBlocks: (blocks: ShownBlocks) => void;
  /** Called when the device could not come in again after a pause. */
  readonly onFailed: (error: Error) => void;
}

/** Milliseconds between two views of the pipeline. */
const SHOW_MS = 250;

export class BlocksDriver implements BlocksWork {
  readonly #options: BlocksDriverOptions;
  #session: Session | undefined;
  #last: ShownBlocks['last'] = null;
  #cancelShow: (() => void) | undefined;
  #isPaused = false;
  #isStopped = false;
  /** Called at the end of a step, and when this device computes no step any more. */
  #onStepEnd: (() => void) | undefined;
  /** What is being opened or closed. One thing follows another. */
  #doing: Promise<void> = Promise.resolve();

  private constructor(options: BlocksDriverOptions) {
    this.#options = options;
  }

  /** Takes part. Rejects where the device cannot keep blocks. */
  static async open(options: BlocksDriverOptions): Promise<BlocksDriver> {
    const driver = new BlocksDriver(options);
    await driver.#open();
    return driver;
  }

  start(): void {
    this.#say('working', 'Training in blocks.');
    this.#show();
  }

  /** Leaves the others until `resume`. What is on the medium stays there. */
  pause(): void {
    if (this.#isStopped || this.#isPaused) return;
    this.#isPaused = true;
    this.#say('pausing', 'Leaving the others.');
    this.#then(async () => {
      await this.#close();
      if (this.#isPaused && !this.#isStopped) this.#say('paused', 'Paused by you.');
    });
  }

  resume(): void {
    if (this.#isStopped || !this.#isPaused) return;
    this.#isPaused = false;
    this.#say('working', 'Coming in again.');
    this.#then(async () => {
      if (!this.#isPaused && !this.#isStopped && this.#session === undefined) await this.#open();
    });
  }

  async finishThenStop(): Promise<void> {
    if (this.#isStopped) return;
    this.#say('finishing', 'Finishing this step, then stopping.');
    if (this.#session?.view().state === 'computing') {
      await new Promise<void>((resolve) => {
        this.#onStepEnd = resolve;
      });
    }
    await this.stop();
  }

  async whole(signal?: AbortSignal): Promise<AssembledModel> {
    if (this.#session === undefined)
      throw new Error('This device has left the others. Resume, then take the model.');
    const { files } = await this.#session.collect(signal);
    return this.#options.blocks.assemble([...files.values()]);
  }

  async stop(): Promise<void> {
    if (!this.#isStopped) {
      this.#isStopped = true;
      this.#say('stopping', 'Stopping.');
      this.#then(() => this.#close());
    }
    this.#onStepEnd?.();
    await this.#doing;
  }

  async #open(): Promise<void> {
    const { join } = this.#options;
    this.#session = await join({
      onStep: (step, root) => {
        this.#last = { step: step + 1, root };
        this.#onStepEnd?.();
      },
      onChange: () => this.#changed(),
    });
  }

  async #close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    this.#cancelShow?.();
    this.#cancelShow = undefined;
    if (session === undefined) return;
    const { blocks } = session.view();
    await session.stop();
    for (const { id, isHere } of blocks) if (isHere) await this.#options.blocks.worker.release(id);
  }

  #then(work: () => Promise<void>): void {
    this.#doing = this.#doing.then(work).catch((error: unknown) => {
      if (this.#isStopped) return;
      this.#options.onFailed(error instanceof Error ? error : new Error(String(error)));
    });
  }

  #changed(): void {
    if (this.#session?.view().state !== 'computing') this.#onStepEnd?.();
    this.#cancelShow ??= this.#options.scheduler.after(SHOW_MS, () => {
      this.#cancelShow = undefined;
      this.#show();
    });
  }

  #show(): void {
    const view = this.#session?.view();
    if (view === undefined) return;
    this.#options.onBlocks({ ...view, memory: this.#options.blocks.memory, last: this.#last });
  }

  #say(state: DriverState, sentence: string): void {
    this.#options.onRound({ kind: 'status', state, sentence, round: null });
  }
}
