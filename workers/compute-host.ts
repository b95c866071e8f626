import { suiteDigest } from '../compute/conformance/suite-digest.ts';
import { canPace, LEAST_SHARE } from '../compute/engines/duty-cycle.ts';
import { DeviceLostError, type Engine, type EngineKind } from '../compute/engines/engine.ts';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import { loadModel } from '../models/decoder/load.ts';
import { ModelSession } from '../models/decoder/session.ts';
import { measureTraining } from '../models/engine-choice/measure.ts';
import { Tokenizer } from '../models/tokenizer/tokenizer.ts';
import type { DeviceAddress, Hex } from '../protocol/hex.ts';
import type {
  Judgement,
  PeerJudgements,
  PeerRollouts,
  RolloutSet,
  RoundContext,
  Trainer,
} from '../protocol/trainer.ts';
import type { CheckpointStore } from '../training/checkpoint-store.ts';
import { type Codec, codecOf } from '../training/codec.ts';
import { firstCheckpoint, readCheckpoint } from '../training/learning-checkpoint.ts';
import type { Skill } from '../training/measure.ts';
import { answerPrompt } from '../training/prompts.ts';
import { sayBest } from '../training/rollouts.ts';
import { DEFAULT_SETTINGS, type LearningSettings, LIGHT_SETTINGS } from '../training/settings.ts';
import { heldOutItems } from '../training/tasks/item-sets.ts';
import { type LearningOutcome, LearningTrainer } from '../training/trainer.ts';
import { fetchModelFiles, type PublishedModel } from './published-model.ts';

/** An engine ready to run, and why it is this one. */
export interface ChosenEngine<Verdict> {
  readonly engine: Engine;
  /** One sentence for a person. */
  readonly reason: string;
  readonly verdicts: readonly Verdict[];
}

export interface ComputeHostOptions<Verdict> {
  readonly device: DeviceAddress;
  readonly model: PublishedModel;
  readonly store: CheckpointStore;
  readonly engine: EngineKind | 'auto';
  /** Makes an engine: the one asked for, or the fastest that computes the right bits. */
  readonly chooseEngine: (
    choice: EngineKind | 'auto',
    signal?: AbortSignal,
  ) => Promise<ChosenEngine<Verdict>>;
  /** For a device that has no checkpoint yet; by its speed unless given. */
  readonly settings?: LearningSettings;
  /** Of the time that it computes at most, 0.1 to 1; all of it unless given. `setShare` changes it. */
  readonly share?: number;
  /** A loss of the GPU, a change of engine: one sentence for a person. */
  readonly onNotice?: (sentence: string) => void;
  readonly onEngine?: (engine: EngineReport<Verdict>) => void;
  readonly signal?: AbortSignal;
}

/** The engine in use, as plain data. */
export interface EngineReport<Verdict> {
  readonly kind: EngineKind;
  readonly description: string;
  readonly reason: string;
  readonly verdicts: readonly Verdict[];
  /** Which expected bits the verdicts speak of. */
  readonly suite: Hex;
}

/** A stored checkpoint, as a person may download it. */
export interface StoredCheckpoint {
  /** Safetensors, optimizer state included. */
  readonly bytes: Uint8Array;
  readonly root: Hex;
  /** The next round to train. */
  readonly cursor: number;
}

/** What the model answers to a held-out question. */
export interface SampleAnswer {
  readonly prompt: string;
  readonly expected: string;
  readonly text: string;
}

interface Running<Verdict> {
  readonly chosen: ChosenEngine<Verdict>;
  /** Where the model is measured and its samples are drawn for people: the processor when training is on a GPU. */
  readonly measuring: Engine;
  readonly trainer: LearningTrainer;
}

/** An engine slower than this in training, in GFLOP/s, takes a light share: a software GPU has about 0.1, one core 10. */
const LIGHT_BELOW = 0.5;

/** A GPU that went away this often in a row is left alone. */
export const LOSSES_BEFORE_FALLBACK = 2;

/**
 * A volunteer's computing, without a thread or a page around it: the engine, the trainer on it and the store under it.
 * When the GPU goes away, the engine is made anew, the weights come back from the last stored checkpoint and the call is
 * made again; since every call is a function of checkpoint and context, nothing else was lost. After two losses in a row
 * it goes on in WebAssembly. Calls are taken one at a time.
 */
export class ComputeHost<Verdict> implements Trainer {
  readonly #options: ComputeHostOptions<Verdict>;
  readonly #codec: Codec;
  #running: Running<Verdict> | null = null;
  #choice: EngineKind | 'auto';
  #share = 1;
  #losses = 0;
  #stopped = false;
  #tail: Promise<unknown> = Promise.resolve();

  private constructor(options: ComputeHostOptions<Verdict>, codec: Codec) {
    this.#options = options;
    this.#codec = codec;
    this.#choice = options.engine;
    this.setShare(options.share ?? 1);
  }

  /**
   * Loads the last checkpoint, or makes the first one from the published model, and puts it on an engine. Throws
   * ModelFetchError, StorageError and its kinds, and what reading a bad model throws.
   */
  static async start<Verdict>(options: ComputeHostOptions<Verdict>): Promise<ComputeHost<Verdict>> {
    const tokenizer = new TextDecoder().decode(await options.model.file('tokenizer.json', options.signal));
    const host = new ComputeHost(options, codecOf(new Tokenizer(JSON.parse(tokenizer))));
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
   * Computes for about this share of the time, 0.1 to 1, from now on: also within the call in progress, and on an engine made
   * later. Throws RangeError for any other number. Bits do not depend on it.
   */
  setShare(share: number): void {
    if (!(share >= LEAST_SHARE && share <= 1)) {
      throw new RangeError(`A share of the device goes from ${LEAST_SHARE} to 1, not ${share}.`);
    }
    this.#share = share;
    if (this.#running !== null) this.#pace(this.#running);
  }

  #pace({ chosen, measuring }: Running<Verdict>): void {
    for (const engine of new Set([chosen.engine, measuring])) {
      if (canPace(engine)) engine.setShare(this.#share);
    }
  }

  prompts(context: RoundContext) {
    return this.#exclusive(({ trainer }) => trainer.prompts(context));
  }

  answer(context: RoundContext, signal: AbortSignal): Promise<RolloutSet> {
    return this.#exclusive(({ trainer }) => trainer.answer(context, signal), signal);
  }

  critique(
    context: RoundContext,
    others: readonly PeerRollouts[],
    signal: AbortSignal,
  ): Promise<readonly Judgement[]> {
    return this.#exclusive(({ trainer }) => trainer.critique(context, others, signal), signal);
  }

  vote(
    context: RoundContext,
    all: readonly PeerRollouts[],
    critiques: readonly PeerJudgements[],
    signal: AbortSignal,
  ) {
    return this.#exclusive(({ trainer }) => trainer.vote(context, all, critiques, signal), signal);
  }

  train(
    context: RoundContext,
    own: PeerRollouts,
    foreign: readonly PeerRollouts[],
    signal: AbortSignal,
  ): Promise<LearningOutcome> {
    return this.#exclusive(({ trainer }) => trainer.train(context, own, foreign, signal), signal);
  }

  /** The last stored checkpoint. */
  checkpoint(): Promise<StoredCheckpoint> {
    return this.#exclusive(async ({ trainer }) => {
      const bytes = await this.#options.store.load();
      if (bytes === undefined) throw new Error('There is no stored checkpoint yet; train one round first.');
      return { bytes, root: trainer.root, cursor: trainer.cursor };
    });
  }

  /** The most likely answers of the stored weights to the first held-out questions, `count` at most. */
  sampleAnswers(count: number, signal?: AbortSignal): Promise<readonly SampleAnswer[]> {
    return this.#exclusive(async ({ measuring, trainer }) => {
      const stored = await this.#options.store.load();
      if (stored === undefined) return [];
      const { config, state } = readCheckpoint(stored);
      const session = await ModelSession.create({
        engine: measuring,
        config,
        parameters: state.parameters,
      });
      try {
        const items = heldOutItems(Math.min(count, trainer.settings.heldOutItems), trainer.settings.plan);
        const prompts = items.map(({ prompt }) => answerPrompt(prompt));
        const texts = await sayBest({ session, codec: this.#codec }, prompts, signal);
        return items.map(({ prompt, answer }, index) => ({
          prompt,
          expected: answer,
          text: texts[index] ?? '',
        }));
      } finally {
        await session.dispose();
      }
    }, signal);
  }

  /** How well the current weights do on held-out questions: the measure that a round's outcome carries. */
  measure(signal?: AbortSignal): Promise<Skill> {
    return this.#exclusive(({ trainer }) => trainer.measure(signal), signal);
  }

  /** Ends the call in progress as it likes to end, then frees the engine. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#tail;
    await this.#close();
  }

  #use(): Running<Verdict> {
    if (this.#running === null) throw new Error('Computing has stopped; start it again.');
    return this.#running;
  }

  #exclusive<T>(work: (running: Running<Verdict>) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const result = this.#tail.then(() => this.#attempt(work, signal));
    this.#tail = result.catch(() => undefined);
    return result;
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
    const { device, model, store, signal } = this.#options;
    const chosen = await this.#options.chooseEngine(this.#choice, signal);
    let measuring = chosen.engine;
    try {
      // Measuring is hundreds of tiny runs, which cost a GPU their latency; the processor gives the same bits at once.
      if (chosen.engine.kind === 'webgpu') measuring = await createWasmEngine({ threads: 1 });
      const trainer = await LearningTrainer.start({
        engine: chosen.engine,
        ...(measuring === chosen.engine ? {} : { measureOn: measuring }),
        codec: this.#codec,
        store,
        first: async () => {
          const { config, parameters } = loadModel(await fetchModelFiles(model, signal));
          const settings = this.#options.settings ?? (await settingsFor(chosen.engine, signal));
          return firstCheckpoint({ config, parameters, device, settings });
        },
      });
      if (trainer.device !== device.toLowerCase()) {
        const owner = trainer.device;
        await trainer.stop();
        throw new Error(
          `The stored checkpoint belongs to device ${owner}, not to ${device}. Restore that device's key, or remove the stored checkpoint.`,
        );
      }
      const running = { chosen, measuring, trainer };
      // Not before: the settings of a first checkpoint go by the device's full speed.
      this.#pace(running);
      this.#running = running;
      this.#options.onEngine?.(reportOf(chosen));
      return running;
    } catch (error) {
      await chosen.engine.stop();
      if (measuring !== chosen.engine) await measuring.stop();
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
    // Without a GPU there is nothing left to lose; such an error then has another cause and is the caller's.
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
    // On a lost device even freeing may fail; what counts is that nothing of it is used again.
    await running.trainer.stop().catch(() => undefined);
    await running.chosen.engine.stop().catch(() => undefined);
    if (running.measuring !== running.chosen.engine) await running.measuring.stop();
  }
}

async function settingsFor(engine: Engine, signal?: AbortSignal): Promise<LearningSettings> {
  // WebAssembly is fast enough on anything that runs a current browser.
  if (engine.kind === 'wasm') return DEFAULT_SETTINGS;
  const { gflops } = await measureTraining({
    engine,
    now: () => performance.now(),
    steps: 1,
    ...(signal === undefined ? {} : { signal }),
  });
  return gflops < LIGHT_BELOW ? LIGHT_SETTINGS : DEFAULT_SETTINGS;
}

function reportOf<Verdict>({ engine, reason, verdicts }: ChosenEngine<Verdict>): EngineReport<Verdict> {
  return { kind: engine.kind, description: engine.description, reason, verdicts, suite: suiteDigest() };
}
