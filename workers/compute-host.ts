import { canPace, LEAST_SHARE } from '../compute/engines/duty-cycle.ts';
import { DeviceLostError, type Engine, type EngineKind } from '../compute/engines/engine.ts';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import { configJson, type DecoderConfig } from '../models/decoder/config.ts';
import { measureTraining } from '../models/engine-choice/measure.ts';
import type { ModelSource } from '../models/loading/model-source.ts';
import type { DeviceAddress, Hex } from '../protocol/hex.ts';
import { SerialQueue } from '../protocol/serial-queue.ts';
import type { SwarmSpec } from '../protocol/swarm-spec.ts';
import type { AnswerGroup, RoundContext, Trainer } from '../protocol/trainer.ts';
import type { CheckpointRetention } from '../training/checkpoint-retention.ts';
import type { CheckpointStore } from '../training/checkpoint-store.ts';
import type { Critic } from '../training/critique.ts';
import type { EvalMetrics, SampleAnswer } from '../training/evaluation.ts';
import type { AnswerExplanation } from '../training/explanation.ts';
import { DEFAULT_SETTINGS, type LearningSettings, LIGHT_SETTINGS } from '../training/learning-settings.ts';
import { type MemberModel, openMemberModel } from '../training/member-model.ts';
import { learningSettingsOf } from '../training/swarm-settings.ts';
import { type DataSetTexts, openTasks } from '../training/tasks/task-source.ts';
import { type AskedBoth, LearningTrainer } from '../training/trainer.ts';
import { type ChosenEngine, type EngineReport, reportOf } from './engine-report.ts';

export interface ComputeHostOptions<Verdict> {
  readonly device: DeviceAddress;
  /** The files of the model to start from. */
  readonly model: ModelSource;
  readonly store: CheckpointStore;
  /** Keeps checkpoints for others. Defaults to keeping none besides the last one in `store`. */
  readonly retention?: CheckpointRetention;
  readonly engine: EngineKind | 'auto';
  /** Makes the engine of that kind, or with `auto` the fastest that computes the specified bits. */
  readonly chooseEngine: (
    choice: EngineKind | 'auto',
    signal?: AbortSignal,
  ) => Promise<ChosenEngine<Verdict>>;
  /** The swarm to learn in. Defaults to the nano model's own tasks and settings. */
  readonly swarm?: SwarmSpec;
  /**
   * Settings for a device without a checkpoint. Defaults to the swarm's, as far as the engine's speed allows.
   */
  readonly settings?: LearningSettings;
  /** The files of the swarm's data sets. Defaults to none. */
  readonly dataSets?: DataSetTexts;
  /** Maximum duty cycle, 0.1 to 1. Defaults to 1. `setShare` changes it. */
  readonly share?: number;
  /** Judges other devices' answers in place of the model in training. Defaults to none. */
  readonly critic?: Critic;
  /** Called with one sentence for a person when the GPU is lost or the engine changes. */
  readonly onNotice?: (sentence: string) => void;
  readonly onEngine?: (engine: EngineReport<Verdict>) => void;
  readonly signal?: AbortSignal;
}

/** A stored checkpoint, as a person may download it. */
export interface StoredCheckpoint {
  /** Safetensors, optimizer state included. */
  readonly bytes: Uint8Array;
  readonly root: Hex;
  /** The next round to train. */
  readonly cursor: number;
}

interface Running<Verdict> {
  readonly chosen: ChosenEngine<Verdict>;
  /**
   * Evaluates the model and draws samples for people: the processor when a GPU trains, else the training
   * engine.
   */
  readonly evaluationEngine: Engine;
  readonly trainer: LearningTrainer;
}

/**
 * An engine that trains slower than this, in GFLOP/s, gets light settings: a software GPU has about 0.1, one
 * core 10.
 */
const LIGHT_BELOW = 0.5;

/** After this many losses in a row the host stops using the GPU. */
const LOSSES_BEFORE_FALLBACK = 2;

/**
 * A volunteer's computing without a thread or a page around it: the engine, the trainer on it and the store
 * below it. When the GPU is lost, the host opens a new engine, restores the weights from the last stored
 * checkpoint and repeats the call. Every call is a function of checkpoint and context, so nothing else is
 * lost. After two losses in a row the host continues with WebAssembly. It serves one call at a time.
 */
export class ComputeHost<Verdict> implements Trainer {
  readonly #options: ComputeHostOptions<Verdict>;
  readonly #member: MemberModel;
  readonly #queue = new SerialQueue();
  #running: Running<Verdict> | null = null;
  #choice: EngineKind | 'auto';
  #share = 1;
  #losses = 0;
  #stopped = false;

  private constructor(options: ComputeHostOptions<Verdict>, member: MemberModel) {
    this.#options = options;
    this.#member = member;
    this.#choice = options.engine;
    this.setShare(options.share ?? 1);
  }

  /**
   * Loads the last checkpoint, or makes the first one from the published model, and puts it on an engine.
   * Throws ModelFetchError, StorageError and its subclasses, and what reading a bad model throws.
   */
  static async start<Verdict>(options: ComputeHostOptions<Verdict>): Promise<ComputeHost<Verdict>> {
    const { model: source, swarm, signal } = options;
    const member = await openMemberModel({ source, trained: swarm?.trained, signal });
    const host = new ComputeHost(options, member);
    try {
      await host.#exclusive(async () => undefined);
    } catch (error) {
      await host.stop();
      throw error;
    }
    return host;
  }

  /** Root of the current checkpoint. */
  get root(): Hex {
    return this.#use().trainer.root;
  }

  /** The next round to train. */
  get cursor(): number {
    return this.#use().trainer.cursor;
  }

  get engine(): EngineReport<Verdict> {
    return reportOf(this.#use().chosen);
  }

  /**
   * Sets the maximum duty cycle, 0.1 to 1, of the current engine, even during a call, and of later engines.
   * It affects speed only, never results. Throws RangeError for any other number.
   */
  setShare(share: number): void {
    if (!(share >= LEAST_SHARE && share <= 1)) {
      throw new RangeError(`A share of the device goes from ${LEAST_SHARE} to 1, not ${share}.`);
    }
    this.#share = share;
    if (this.#running !== null) this.#pace(this.#running);
  }

  #pace({ chosen, evaluationEngine }: Running<Verdict>): void {
    for (const engine of new Set([chosen.engine, evaluationEngine])) {
      if (canPace(engine)) engine.setShare(this.#share);
    }
  }

  readonly prompts: Trainer['prompts'] = (context) =>
    this.#exclusive(({ trainer }) => trainer.prompts(context));

  readonly answer: Trainer['answer'] = (context, signal) =>
    this.#exclusive(({ trainer }) => trainer.answer(context, signal), signal);

  readonly critique: Trainer['critique'] = (context, others, signal) =>
    this.#exclusive(({ trainer }) => trainer.critique(context, others, signal), signal);

  readonly vote: Trainer['vote'] = (context, all, critiques, signal) =>
    this.#exclusive(({ trainer }) => trainer.vote(context, all, critiques, signal), signal);

  readonly train: LearningTrainer['train'] = (context, own, foreign, signal) =>
    this.#exclusive(({ trainer }) => trainer.train(context, own, foreign, signal), signal);

  /** The last stored checkpoint. */
  checkpoint(): Promise<StoredCheckpoint> {
    return this.#exclusive(async ({ trainer }) => {
      const bytes = await this.#options.store.load();
      if (bytes === undefined) throw new Error('There is no stored checkpoint yet; train one round first.');
      return { bytes, root: trainer.root, cursor: trainer.cursor };
    });
  }

  /** The current weights' most likely answers to the first `count` held-out questions. */
  sampleAnswers(count: number, signal?: AbortSignal): Promise<readonly SampleAnswer[]> {
    return this.#exclusive(({ trainer }) => trainer.sampleAnswers(count, signal), signal);
  }

  /** The answers of the base model and of the current weights to a person's own question. */
  ask(question: string, signal?: AbortSignal): Promise<AskedBoth> {
    return this.#exclusive(({ trainer }) => trainer.ask(question, signal), signal);
  }

  /** Why each of an author's answers in a round has its score. Does not wait for other calls. */
  async explain(
    context: RoundContext,
    groups: readonly AnswerGroup[],
  ): Promise<readonly AnswerExplanation[]> {
    return this.#use().trainer.explain(context, groups);
  }

  /** Evaluates the current weights on held-out questions, as after every round. */
  evaluate(signal?: AbortSignal): Promise<EvalMetrics> {
    return this.#exclusive(({ trainer }) => trainer.evaluate(signal), signal);
  }

  /** Waits for the calls in progress, then frees the engine. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#queue.idle();
    await this.#close();
  }

  #use(): Running<Verdict> {
    if (this.#running === null) throw new Error('Computing has stopped; start it again.');
    return this.#running;
  }

  #exclusive<T>(work: (running: Running<Verdict>) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#queue.run(() => this.#attempt(work, signal));
  }

  async #attempt<T>(work: (running: Running<Verdict>) => Promise<T>, signal?: AbortSignal): Promise<T> {
    for (;;) {
      signal?.throwIfAborted();
      if (this.#stopped) throw new Error('Computing has stopped; start it again.');
      try {
        const running = this.#running ?? (await this.#open());
        const result = await work(running);
        this.#losses = 0;
        return result;
      } catch (error) {
        if (!(error instanceof DeviceLostError)) throw error;
        await this.#recover(error);
      }
    }
  }

  async #open(): Promise<Running<Verdict>> {
    const { device, swarm, store, retention, signal } = this.#options;
    const chosen = await this.#options.chooseEngine(this.#choice, signal);
    let evaluationEngine = chosen.engine;
    try {
      const base = await this.#member.base();
      // An evaluation is hundreds of tiny runs. Each costs a GPU its latency; the processor gives the same
      // bits at once. A model with adapters is too large to hold twice.
      if (chosen.engine.kind === 'webgpu' && base === undefined) {
        evaluationEngine = await createWasmEngine({ threads: 1 });
      }
      const whole = swarm === undefined ? DEFAULT_SETTINGS : learningSettingsOf(swarm, 'full');
      const expected = this.#options.settings ?? whole;
      const trainer = await LearningTrainer.start({
        engine: chosen.engine,
        evaluationEngine,
        base,
        recompute: base !== undefined,
        format: this.#member.format(expected),
        tasks: await openTasks(expected.tasks, this.#options.dataSets ?? new Map()),
        store,
        ...(retention === undefined ? {} : { retention }),
        critic: this.#options.critic,
        first: async () => {
          const light = swarm === undefined ? LIGHT_SETTINGS : learningSettingsOf(swarm, 'light');
          const fitting = async () => ((await isSlow(chosen.engine, signal)) ? light : whole);
          const settings = this.#options.settings ?? (await fitting());
          return this.#member.first(device, settings);
        },
      });
      if (trainer.device !== device.toLowerCase()) {
        const owner = trainer.device;
        await trainer.stop();
        throw new Error(
          `The stored checkpoint belongs to device ${owner}, not to ${device}. Restore that device's key, or remove the stored checkpoint.`,
        );
      }
      if (!isSameShape(trainer.config, this.#member.config)) {
        await trainer.stop();
        throw new Error(
          'This device has trained a model of another shape in this swarm, and keeps its checkpoint. Start from that model again, or take part with another device key.',
        );
      }
      const running = { chosen, evaluationEngine, trainer };
      // Not earlier: the settings of a first checkpoint depend on the device's full speed.
      this.#pace(running);
      this.#running = running;
      this.#options.onEngine?.(reportOf(chosen));
      return running;
    } catch (error) {
      await chosen.engine.stop();
      if (evaluationEngine !== chosen.engine) await evaluationEngine.stop();
      throw error;
    }
  }

  async #recover(loss: DeviceLostError): Promise<void> {
    this.#losses++;
    const lost = this.#running?.chosen.engine.kind ?? this.#choice;
    await this.#close();
    if (this.#losses < LOSSES_BEFORE_FALLBACK) {
      this.#options.onNotice?.(
        `The GPU went away (${loss.message}) Going on from the last checkpoint on a new one.`,
      );
      return;
    }
    // An engine without a GPU cannot lose one, so the error has another cause and is for the caller.
    if (lost === 'wasm' || lost === 'reference') throw loss;
    this.#choice = 'wasm';
    this.#losses = 0;
    this.#options.onNotice?.(
      `The GPU went away ${LOSSES_BEFORE_FALLBACK} times in a row. Going on from the last checkpoint on the processor.`,
    );
  }

  async #close(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    if (running === null) return;
    // On a lost device even freeing may fail. That does no harm, since nothing uses the device again.
    await running.trainer.stop().catch(() => undefined);
    await running.chosen.engine.stop().catch(() => undefined);
    if (running.evaluationEngine !== running.chosen.engine) await running.evaluationEngine.stop();
  }
}

/** Whether a checkpoint can be of a model, so that it is asked in that model's words. */
function isSameShape(one: DecoderConfig, other: DecoderConfig): boolean {
  return JSON.stringify(configJson(one)) === JSON.stringify(configJson(other));
}

async function isSlow(engine: Engine, signal?: AbortSignal): Promise<boolean> {
  // WebAssembly is fast enough on anything that runs a current browser.
  if (engine.kind === 'wasm') return false;
  const { gflops } = await measureTraining({
    engine,
    now: () => performance.now(),
    steps: 1,
    signal,
  });
  return gflops < LIGHT_BELOW;
}
