/**
 * A volunteer's trainer: the swarm's stages and the training of a round, over a model and a store.
 */

import type { Engine } from '../compute/engines/engine.ts';
import { checkpointRoot } from '../models/checkpoint/root.ts';
import type { DecoderConfig } from '../models/decoder/config.ts';
import type { Hex } from '../protocol/hex.ts';
import type {
  AnswerGroup,
  Judgement,
  PeerJudgements,
  PeerRollouts,
  RolloutSet,
  RoundContext,
  RoundOutcome,
  Trainer,
} from '../protocol/trainer.ts';
import { askPolicy } from './ask.ts';
import type { CheckpointRetention } from './checkpoint-retention.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import { computeRound } from './compute-round.ts';
import { type Critic, castBallots, correctOwn, critiqueOthers } from './critique.ts';
import { answerHeldOut, type EvalMetrics, evaluate, type SampleAnswer } from './evaluation.ts';
import { type AnswerExplanation, explainAnswers } from './explanation.ts';
import {
  type LearningCheckpoint,
  learningContents,
  readCheckpoint,
  writeCheckpoint,
} from './learning-checkpoint.ts';
import type { LearningSettings } from './learning-settings.ts';
import { type BaseWeights, type ModelMemory, openPolicyModel } from './open-policy-model.ts';
import { openRound, type Round } from './open-round.ts';
import type { PolicyModel, PolicyState } from './policy-model.ts';
import type { PromptFormat } from './prompt-format.ts';
import type { RoundTraining } from './round.ts';
import { answerItems } from './sampling.ts';
import { requireSelection, type TaskSource } from './tasks/task-source.ts';

/** The outcome of a round with more detail than the swarm needs. */
export interface LearningOutcome extends RoundOutcome {
  readonly metrics: EvalMetrics;
  readonly training: RoundTraining;
}

export interface TrainerOptions extends ModelMemory {
  readonly engine: Engine;
  /**
   * The engine to evaluate on. Defaults to `engine`. Every engine gives the same bits, but the many short
   * runs of an evaluation suit a processor better than a GPU.
   */
  readonly evaluationEngine?: Engine;
  /** The format in which the model is asked. */
  readonly format: PromptFormat;
  /** The swarm's tasks, those of the checkpoint's settings. */
  readonly tasks: TaskSource;
  readonly store: CheckpointStore;
  /** The base model of a checkpoint of adapters. */
  readonly base?: BaseWeights;
  /** Keeps some of the checkpoints for others. Defaults to none. */
  readonly retention?: CheckpointRetention;
  /** Judges other devices' answers in place of the model in training. */
  readonly critic?: Critic;
  /** Makes the first checkpoint: when the store is empty, and for answers of the base model. */
  readonly first: () => Promise<LearningCheckpoint>;
}

/** What two states of a model answer to one question. */
export interface AskedBoth {
  readonly before: string;
  readonly now: string;
}

/** The requested round was already trained, or the trainer belongs to another device. */
export class RoundRefusedError extends Error {
  override readonly name = 'RoundRefusedError';
}

/** What the stored checkpoint holds. */
interface TrainerState {
  readonly state: PolicyState;
  readonly cursor: number;
  readonly root: Hex;
}

/**
 * Trains one device's model. Every text and every weight follows from the checkpoint, the round's context and
 * the given rollouts, so `replayRound` can recompute it. Serves one call at a time. `stop` frees the model;
 * the caller stops the engines.
 */
export class LearningTrainer implements Trainer {
  readonly settings: LearningSettings;
  /** The device that the checkpoint belongs to. */
  readonly device: Hex;
  readonly #checkpoint: LearningCheckpoint;
  readonly #model: PolicyModel;
  /**
   * Holds the same weights as `#model` between calls, and is the same model when there is only one engine.
   */
  readonly #evaluationModel: PolicyModel;
  readonly #format: PromptFormat;
  readonly #tasks: TaskSource;
  readonly #store: CheckpointStore;
  readonly #critic: Critic | undefined;
  readonly #first: () => Promise<LearningCheckpoint>;
  readonly #retention: CheckpointRetention | undefined;
  #current: TrainerState;
  #round: Round | undefined;

  private constructor(options: {
    readonly checkpoint: LearningCheckpoint;
    readonly root: Hex;
    readonly model: PolicyModel;
    readonly evaluationModel: PolicyModel;
    readonly format: PromptFormat;
    readonly tasks: TaskSource;
    readonly store: CheckpointStore;
    readonly retention?: CheckpointRetention;
    readonly critic?: Critic;
    readonly first: () => Promise<LearningCheckpoint>;
  }) {
    const { settings, rngKey, state, cursor } = options.checkpoint;
    this.#checkpoint = options.checkpoint;
    this.#model = options.model;
    this.#evaluationModel = options.evaluationModel;
    this.#format = options.format;
    this.#tasks = options.tasks;
    this.#store = options.store;
    this.#critic = options.critic;
    this.#first = options.first;
    this.#retention = options.retention;
    this.settings = settings;
    this.device = rngKey;
    this.#current = { state, cursor, root: options.root };
  }

  /**
   * Loads the stored checkpoint, or stores the first one, and puts it on the engine. Throws what reading a
   * bad checkpoint throws, OtherTasksError when it learns other tasks, and EngineMemoryError.
   */
  static async start(options: TrainerOptions): Promise<LearningTrainer> {
    const { engine, evaluationEngine = engine } = options;
    let file = await options.store.load();
    if (file === undefined) {
      const first = await options.first();
      file = writeCheckpoint(first);
      await options.store.save(file, first.cursor);
    }
    const checkpoint = readCheckpoint(file);
    requireSelection(options.tasks, checkpoint.settings.tasks);
    const root = checkpointRoot(file);
    const open = {
      checkpoint,
      base: options.base,
      generationMemory: options.generationMemory,
      recompute: options.recompute,
    };
    const model = await openPolicyModel({ ...open, engine });
    try {
      const evaluationModel =
        evaluationEngine === engine ? model : await openPolicyModel({ ...open, engine: evaluationEngine });
      return new LearningTrainer({ ...options, checkpoint, root, model, evaluationModel });
    } catch (error) {
      await model.dispose();
      throw error;
    }
  }

  /** The next round to train: every earlier round was trained or skipped. */
  get cursor(): number {
    return this.#current.cursor;
  }

  /** Shape of the model in training. */
  get config(): DecoderConfig {
    return this.#checkpoint.config;
  }

  /** Root of the current checkpoint. */
  get root(): Hex {
    return this.#current.root;
  }

  /** Optimizer steps in the current checkpoint. */
  get steps(): number {
    return this.#current.state.step;
  }

  async stop(): Promise<void> {
    await this.#model.dispose();
    if (this.#evaluationModel !== this.#model) await this.#evaluationModel.dispose();
  }

  async prompts(context: RoundContext) {
    return this.#open(context).items.map(({ task, prompt, answer }) => ({ task, prompt, answer }));
  }

  /** Why each of an author's answers in a round has its score. */
  explain(context: RoundContext, groups: readonly AnswerGroup[]): readonly AnswerExplanation[] {
    return explainAnswers(this.#open(context).items, groups, this.settings.reward);
  }

  async answer(context: RoundContext, signal: AbortSignal): Promise<RolloutSet> {
    this.#check(context);
    const groups = await answerItems(this.#policy, this.#open(context), signal);
    return { author: this.device, modelRoot: this.root, groups };
  }

  async critique(
    context: RoundContext,
    others: readonly PeerRollouts[],
    signal: AbortSignal,
  ): Promise<readonly Judgement[]> {
    return critiqueOthers(this.#policy, this.#open(context), others, signal, this.#critic);
  }

  async vote(
    context: RoundContext,
    all: readonly PeerRollouts[],
    critiques: readonly PeerJudgements[],
    signal: AbortSignal,
  ) {
    const round = this.#open(context);
    return {
      ballots: castBallots(this.#format, round, all, critiques),
      corrections: await correctOwn(this.#policy, round, all, critiques, signal),
    };
  }

  /**
   * Trains the round and stores the checkpoint. After a failure or an abort, the trainer has the weights from
   * before the round again. Throws RoundRefusedError for a round below the cursor.
   */
  async train(
    context: RoundContext,
    own: PeerRollouts,
    foreign: readonly PeerRollouts[],
    signal: AbortSignal,
  ): Promise<LearningOutcome> {
    this.#check(context);
    const before = this.#current;
    try {
      const { checkpoint, trainedOn, training, metrics } = await computeRound(
        { ...this.#policy, evaluationModel: this.#evaluationModel },
        this.#checkpoint,
        this.#open(context),
        { own, foreign },
        signal,
      );
      const file = writeCheckpoint(checkpoint);
      // The engine hashes the weights in place, so reading them back for the file is the only pass over them
      // here.
      const root = checkpointRoot(learningContents(checkpoint), await this.#model.roots());
      await this.#store.save(file, checkpoint.cursor);
      await this.#retention?.add({ round: context.round, root, file });
      this.#current = { state: checkpoint.state, cursor: checkpoint.cursor, root };
      return {
        trainedOn,
        training,
        metrics,
        previousRoot: before.root,
        checkpointRoot: root,
        checkpoint: file,
        optimizerSteps: training.optimizerSteps,
        meanReward: training.meanReward,
        heldOutAccuracy: metrics.answering,
        loss: training.loss,
      };
    } catch (error) {
      await this.#model.restore(before.state);
      if (this.#evaluationModel !== this.#model) await this.#evaluationModel.restore(before.state);
      throw error;
    }
  }

  /** Evaluates the current weights on held-out questions. */
  evaluate(signal?: AbortSignal): Promise<EvalMetrics> {
    return evaluate(this.#evaluationPolicy, this.settings, this.#tasks, { signal });
  }

  /** The current weights' most likely answers to the first `count` held-out questions. */
  sampleAnswers(count: number, signal?: AbortSignal): Promise<readonly SampleAnswer[]> {
    return answerHeldOut(this.#evaluationPolicy, this.settings, this.#tasks, { count, signal });
  }

  /**
   * The most likely answer to a person's own question, by the model that training began with and by the
   * present one. Throws what `askPolicy` throws.
   */
  async ask(question: string, signal?: AbortSignal): Promise<AskedBoth> {
    const policy = this.#evaluationPolicy;
    const now = await askPolicy(policy, question, signal);
    const { state } = await this.#first();
    signal?.throwIfAborted();
    try {
      await policy.model.restore(state);
      return { before: await askPolicy(policy, question, signal), now };
    } finally {
      await policy.model.restore(this.#current.state);
    }
  }

  get #policy() {
    return { model: this.#model, format: this.#format };
  }

  get #evaluationPolicy() {
    return { model: this.#evaluationModel, format: this.#format };
  }

  /** The context's round. The stages of one round share it. */
  #open(context: RoundContext): Round {
    const known = this.#round?.context;
    if (
      this.#round === undefined ||
      known?.round !== context.round ||
      known.seed !== context.seed ||
      known.device !== context.device
    ) {
      this.#round = openRound(context, this.settings, this.#tasks);
    }
    return this.#round;
  }

  #check(context: RoundContext): void {
    if (context.device.toLowerCase() !== this.device) {
      throw new RoundRefusedError(
        `This checkpoint belongs to device ${this.device}, not ${context.device}: restore that device's key.`,
      );
    }
    if (context.round < this.cursor) {
      throw new RoundRefusedError(
        `Round ${context.round} was already trained: go on with round ${this.cursor}.`,
      );
    }
  }
}
