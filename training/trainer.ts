/** A volunteer's trainer: the swarm's stages and the training of a round, over a model session and a store. */

import type { Engine } from '../compute/engines/engine.ts';
import { checkpointRoot } from '../models/checkpoint/root.ts';
import { ModelSession } from '../models/decoder/session.ts';
import type { ModelState } from '../models/decoder/state.ts';
import type { Hex } from '../protocol/hex.ts';
import type {
  Ballot,
  Correction,
  Judgement,
  PeerJudgements,
  PeerRollouts,
  RolloutSet,
  RoundContext,
  RoundOutcome,
  Trainer,
} from '../protocol/trainer.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import type { Codec } from './codec.ts';
import { type Critic, castBallots, correctOwn, critiqueOthers } from './critique.ts';
import {
  type LearningCheckpoint,
  learningContents,
  readCheckpoint,
  writeCheckpoint,
} from './learning-checkpoint.ts';
import { measureSkill, type Skill } from './measure.ts';
import { answerItems, itemsOf } from './rollouts.ts';
import { choosePeers, type RoundTraining, trainRound } from './round.ts';
import type { LearningSettings } from './settings.ts';

/** What training a round gives beyond what the swarm asks for. */
export interface LearningOutcome extends RoundOutcome {
  readonly skill: Skill;
  readonly training: RoundTraining;
}

export interface TrainerOptions {
  readonly engine: Engine;
  /**
   * Another engine to measure skill on: `engine` unless given. All give the same bits; the many short runs of measuring suit a
   * processor better than a GPU.
   */
  readonly measureOn?: Engine;
  readonly codec: Codec;
  readonly store: CheckpointStore;
  /** Judges others' answers in place of the model in training. */
  readonly critic?: Critic;
  /** Called once when the store is empty. */
  readonly first: () => Promise<LearningCheckpoint>;
}

/** The round asked for was already trained, or the trainer belongs to another device. */
export class RoundRefusedError extends Error {
  override readonly name = 'RoundRefusedError';
}

/** Where a trainer stands. */
interface Standing {
  readonly state: ModelState;
  readonly cursor: number;
  readonly root: Hex;
}

/**
 * Trains one device's model. Everything that it says and every weight follows from the checkpoint, the round's context
 * and the rollouts given, and so can be recomputed by `replayRound`. One call at a time. `stop` frees the model; the
 * engine belongs to the caller.
 */
export class LearningTrainer implements Trainer {
  readonly settings: LearningSettings;
  /** The device that the checkpoint belongs to. */
  readonly device: Hex;
  readonly #checkpoint: LearningCheckpoint;
  readonly #session: ModelSession;
  /** Holds the weights while they are measured; the training session itself unless there is an engine for it. */
  readonly #ruler: ModelSession;
  readonly #codec: Codec;
  readonly #store: CheckpointStore;
  readonly #critic: Critic | undefined;
  #standing: Standing;

  private constructor(options: {
    readonly checkpoint: LearningCheckpoint;
    readonly root: Hex;
    readonly session: ModelSession;
    readonly ruler: ModelSession;
    readonly codec: Codec;
    readonly store: CheckpointStore;
    readonly critic?: Critic;
  }) {
    this.#checkpoint = options.checkpoint;
    this.#session = options.session;
    this.#ruler = options.ruler;
    this.#codec = options.codec;
    this.#store = options.store;
    this.#critic = options.critic;
    this.settings = options.checkpoint.settings;
    this.device = options.checkpoint.rngKey;
    this.#standing = {
      state: options.checkpoint.state,
      cursor: options.checkpoint.cursor,
      root: options.root,
    };
  }

  /**
   * Loads the stored checkpoint, or stores the first one, and puts it on the engine. Throws what reading a bad
   * checkpoint throws, and EngineMemoryError.
   */
  static async start(options: TrainerOptions): Promise<LearningTrainer> {
    let file = await options.store.load();
    if (file === undefined) {
      const first = await options.first();
      file = writeCheckpoint(first);
      await options.store.save(file, first.cursor);
    }
    const checkpoint = readCheckpoint(file);
    const session = await openSession(options.engine, checkpoint);
    try {
      const ruler =
        options.measureOn === undefined ? session : await openSession(options.measureOn, checkpoint);
      return new LearningTrainer({ ...options, checkpoint, root: checkpointRoot(file), session, ruler });
    } catch (error) {
      await session.dispose();
      throw error;
    }
  }

  /** The next round to train: rounds below were trained. */
  get cursor(): number {
    return this.#standing.cursor;
  }

  /** Root of the current checkpoint. */
  get root(): Hex {
    return this.#standing.root;
  }

  /** Optimizer steps in the current checkpoint. */
  get steps(): number {
    return this.#standing.state.step;
  }

  async stop(): Promise<void> {
    await this.#session.dispose();
    if (this.#ruler !== this.#session) await this.#ruler.dispose();
  }

  async prompts(context: RoundContext) {
    return itemsOf(context, this.settings).map(({ task, prompt, answer }) => ({ task, prompt, answer }));
  }

  async answer(context: RoundContext, signal: AbortSignal): Promise<RolloutSet> {
    this.#check(context);
    const groups = await answerItems(this.#speaker, this.settings, context, signal);
    return { modelRoot: this.#standing.root, groups };
  }

  critique(
    context: RoundContext,
    others: readonly PeerRollouts[],
    signal: AbortSignal,
  ): Promise<readonly Judgement[]> {
    return critiqueOthers(this.#speaker, this.settings, context, others, signal, this.#critic);
  }

  async vote(
    context: RoundContext,
    all: readonly PeerRollouts[],
    critiques: readonly PeerJudgements[],
    signal: AbortSignal,
  ): Promise<{ readonly ballots: readonly Ballot[]; readonly corrections: readonly Correction[] }> {
    return {
      ballots: castBallots(this.settings, context, all, critiques),
      corrections: await correctOwn(this.#speaker, this.settings, context, all, critiques, signal),
    };
  }

  /**
   * Trains the round and stores the checkpoint. When it fails or is aborted, the weights are those before the round
   * again. Throws RoundRefusedError for a round below the cursor.
   */
  async train(
    context: RoundContext,
    own: PeerRollouts,
    foreign: readonly PeerRollouts[],
    signal: AbortSignal,
  ): Promise<LearningOutcome> {
    this.#check(context);
    const before = this.#standing;
    try {
      const result = await computeRound(
        { session: this.#session, ruler: this.#ruler, codec: this.#codec },
        this.#checkpoint,
        context,
        { own, foreign },
        signal,
      );
      const { checkpoint, ...rest } = result;
      const file = writeCheckpoint(checkpoint);
      // The weights are hashed where they are: reading them back for the file is then the only pass over them here.
      const root = checkpointRoot(learningContents(checkpoint), await this.#session.roots());
      await this.#store.save(file, checkpoint.cursor);
      this.#standing = { state: checkpoint.state, cursor: checkpoint.cursor, root };
      return {
        ...rest,
        previousRoot: before.root,
        checkpointRoot: root,
        checkpoint: file,
        optimizerSteps: rest.training.optimizerSteps,
        meanReward: rest.training.meanReward,
        heldOutAccuracy: rest.skill.answering,
        loss: rest.training.loss,
      };
    } catch (error) {
      await this.#session.restore(before.state);
      if (this.#ruler !== this.#session) await this.#ruler.restore(before.state);
      throw error;
    }
  }

  /** How well the current weights do on held-out questions. */
  measure(signal?: AbortSignal): Promise<Skill> {
    return measureSkill({ session: this.#ruler, codec: this.#codec }, this.settings, { signal });
  }

  get #speaker() {
    return { session: this.#session, codec: this.#codec };
  }

  #check(context: RoundContext): void {
    if (context.device.toLowerCase() !== this.device) {
      throw new RoundRefusedError(
        `This checkpoint belongs to device ${this.device}, not ${context.device}: restore that device's key.`,
      );
    }
    if (context.round < this.#standing.cursor) {
      throw new RoundRefusedError(
        `Round ${context.round} was already trained: go on with round ${this.#standing.cursor}.`,
      );
    }
  }
}

function openSession(engine: Engine, checkpoint: LearningCheckpoint): Promise<ModelSession> {
  return ModelSession.create({
    engine,
    config: checkpoint.config,
    parameters: checkpoint.state.parameters,
  }).then(async (session) => {
    try {
      await session.restore(checkpoint.state);
      return session;
    } catch (error) {
      await session.dispose();
      throw error;
    }
  });
}

interface ComputedRound {
  readonly checkpoint: LearningCheckpoint;
  readonly trainedOn: readonly string[];
  readonly training: RoundTraining;
  readonly skill: Skill;
}

/** Trains a session that holds the weights before the round. Only config, settings and key of `before` are read. */
async function computeRound(
  speaker: { readonly session: ModelSession; readonly ruler: ModelSession; readonly codec: Codec },
  before: LearningCheckpoint,
  context: RoundContext,
  published: { readonly own: PeerRollouts; readonly foreign: readonly PeerRollouts[] },
  signal?: AbortSignal,
): Promise<ComputedRound> {
  const { settings } = before;
  const foreign = choosePeers(settings, context, published.foreign);
  const rollouts = { own: published.own, foreign };
  const training = await trainRound(speaker, settings, context, rollouts, signal);
  const state = await speaker.session.snapshot();
  if (speaker.ruler !== speaker.session) await speaker.ruler.restore(state);
  const skill = await measureSkill({ session: speaker.ruler, codec: speaker.codec }, settings, { signal });
  return {
    checkpoint: { ...before, state, cursor: context.round + 1 },
    trainedOn: [published.own.cid, ...foreign.map(({ cid }) => cid)],
    training,
    skill,
  };
}

export interface ReplayOptions {
  readonly engine: Engine;
  readonly codec: Codec;
  /** The checkpoint before the round, as published. */
  readonly previous: Uint8Array;
  readonly context: RoundContext;
  /** The rollout sets named by the round's `trainedOn`, own first. */
  readonly own: PeerRollouts;
  readonly foreign: readonly PeerRollouts[];
  readonly signal?: AbortSignal;
}

export interface Replay {
  /** The checkpoint that an honest trainer has after the round. */
  readonly checkpoint: Uint8Array;
  readonly root: Hex;
  /** The rollouts that it must have published. */
  readonly rollouts: RolloutSet;
  readonly training: RoundTraining;
  readonly skill: Skill;
}

/** Recomputes a round from what was published, on any engine. Throws what reading a bad checkpoint throws. */
export async function replayRound(options: ReplayOptions): Promise<Replay> {
  const { codec, context, own, foreign, signal } = options;
  const before = readCheckpoint(options.previous);
  const session = await openSession(options.engine, before);
  try {
    const speaker = { session, ruler: session, codec };
    const groups = await answerItems(speaker, before.settings, context, signal);
    const computed = await computeRound(speaker, before, context, { own, foreign }, signal);
    const checkpoint = writeCheckpoint(computed.checkpoint);
    return {
      checkpoint,
      root: checkpointRoot(checkpoint),
      rollouts: { modelRoot: checkpointRoot(options.previous), groups },
      training: computed.training,
      skill: computed.skill,
    };
  } finally {
    await session.dispose();
  }
}
