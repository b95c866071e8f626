/** How a device learns. The settings travel in the checkpoint's metadata, so that a replay knows them. */

import { DEFAULT_OPTIMIZER, type OptimizerOptions } from '../models/decoder/adamw.ts';
import { PEERS_PER_ROUND } from '../protocol/peer-selection.ts';
import type { TaskSelection } from '../protocol/swarm-spec.ts';
import { parseTaskSelection } from '../protocol/swarm-spec-codec.ts';
import { FOREIGN_DRAWS, type ForeignDraw, type MixSizes } from './grpo.ts';
import { NANO_SELECTION } from './tasks/catalogue.ts';

/** Whose samples are trained on only where their advantage is positive. */
export const SUCCESSES_ONLY = ['none', 'foreign', 'all'] as const;
export type SuccessesOnly = (typeof SUCCESSES_ONLY)[number];

/** `exact`: 1 for the right text, else 0. `by place`: some tasks also give a part for right characters. */
export const REWARD_RULES = ['exact', 'by place'] as const;
export type RewardRule = (typeof REWARD_RULES)[number];

/** `one`: all members train the same base. `any`: members bring models of their own, and share only text. */
export const MODEL_FAMILIES = ['one', 'any'] as const;
export type ModelFamilies = (typeof MODEL_FAMILIES)[number];

export interface LearningSettings {
  /** What the swarm learns. */
  readonly tasks: TaskSelection;
  /** The round's pool of items, the same for every device. */
  readonly itemsPerRound: number;
  /** The items of the pool that a device draws and answers. All devices of a swarm have the same number. */
  readonly itemsAnswered: number;
  /** The device's own completions per item (GRPO's G). */
  readonly samplesPerItem: number;
  readonly temperature: number;
  readonly reward: RewardRule;
  readonly successesOnly: SuccessesOnly;
  /**
   * SAPO's I and J, per answered item. With I equal to `samplesPerItem`, no foreign sample takes the place of
   * an own one.
   */
  readonly mix: MixSizes;
  /** Whether an author's part of the foreign samples is bounded (docs/decisions/0038-turns-by-account.md). */
  readonly foreignDraw: ForeignDraw;
  /**
   * The log-probability, in nats, below which the own weights find a token of a foreign sample too unlikely
   * to train on (docs/decisions/0041-likely-samples.md). `none` trains on all.
   */
  readonly foreignFloor: number | 'none';
  /** Most peers whose rollout sets are drawn from. */
  readonly peersPerRound: number;
  /** Minibatches that a round's samples are shuffled into. Each is one AdamW step. */
  readonly stepsPerRound: number;
  readonly learningRate: number;
  /** The learning rate rises over this many optimizer steps: AdamW's first steps are noise of full size. */
  readonly warmupSteps: number;
  /**
   * Samples with which a step has the whole learning rate. Fewer lower it by the square root of their share.
   * With 1 every step has the whole rate.
   */
  readonly fullBatch: number;
  /** AdamW's weight decay. */
  readonly weightDecay: number;
  /** Prompts per round on which judging and correcting are each practised. 0 turns practice off. */
  readonly practicePrompts: number;
  /** Peers whose answers are judged. */
  readonly critiquePeers: number;
  /** Answers of each peer that are judged. */
  readonly critiqueItems: number;
  /** Held-out questions on which accuracy is measured after each round. */
  readonly heldOutItems: number;
  /** Most tokens of an answer, end token included, in a format without lengths of its own. */
  readonly answerTokens: number;
  /** Most tokens of a critique or a correction, in a format without lengths of its own. */
  readonly critiqueTokens: number;
  /** Whose rollouts are trained on. */
  readonly models: ModelFamilies;
}

/** The pool and the steps are those of docs/results/sapo.md. */
export const DEFAULT_SETTINGS: LearningSettings = {
  tasks: NANO_SELECTION,
  itemsPerRound: 64,
  itemsAnswered: 8,
  samplesPerItem: 8,
  temperature: 1,
  reward: 'exact',
  successesOnly: 'all',
  mix: { own: 8, foreign: 8 },
  foreignDraw: 'authors',
  // One in twenty.
  foreignFloor: -3,
  peersPerRound: PEERS_PER_ROUND.train,
  stepsPerRound: 4,
  learningRate: 1e-4,
  warmupSteps: 10,
  fullBatch: 16,
  weightDecay: 0,
  practicePrompts: 2,
  critiquePeers: PEERS_PER_ROUND.critique,
  critiqueItems: 4,
  heldOutItems: 384,
  answerTokens: 256,
  critiqueTokens: 128,
  models: 'one',
};

/** The default settings of every version that is read, newest first: a device may have begun with any. */
export const DEFAULTS_OF_VERSIONS: readonly LearningSettings[] = [
  DEFAULT_SETTINGS,
  { ...DEFAULT_SETTINGS, foreignFloor: 'none' },
  { ...DEFAULT_SETTINGS, foreignFloor: 'none', foreignDraw: 'samples' },
];

/**
 * The same tasks for a slow device: a sixth of the work, so that it still finishes within the round. Settings
 * belong to a device and travel in its checkpoint. Only the tasks must be those of the swarm.
 */
export const LIGHT_SETTINGS: LearningSettings = {
  ...DEFAULT_SETTINGS,
  samplesPerItem: 4,
  mix: { own: 1, foreign: 1 },
  stepsPerRound: 1,
  fullBatch: 8,
  practicePrompts: 0,
};

/**
 * The learning rate of an optimizer step on `samples` samples, after `steps` earlier steps. AdamW's step is
 * as long for two samples as for many, so that the rate has to know how many there were.
 */
export function learningRateOf(
  settings: LearningSettings,
  { steps, samples }: { readonly steps: number; readonly samples: number },
): number {
  const { learningRate, warmupSteps, fullBatch } = settings;
  const warm = Math.min(1, (steps + 1) / Math.max(1, warmupSteps));
  return learningRate * warm * Math.sqrt(Math.min(1, samples / fullBatch));
}

/** The optimizer that a session with these settings trains with. */
export function optimizerOf({ weightDecay }: LearningSettings): OptimizerOptions {
  return { ...DEFAULT_OPTIMIZER, weightDecay };
}

/** Settings are missing or out of bounds. */
export class LearningSettingsError extends Error {
  override readonly name = 'LearningSettingsError';
}

/** Nats below which no token of a sample lies that anybody drew. */
const LOWEST_FLOOR = -100;

/** Bounds that keep one round within a few seconds and a few MB, whoever wrote the checkpoint. */
const COUNTS = {
  itemsPerRound: [1, 256],
  samplesPerItem: [1, 64],
  peersPerRound: [0, 64],
  stepsPerRound: [1, 64],
  warmupSteps: [0, 10_000],
  fullBatch: [1, 65_536],
  practicePrompts: [0, 64],
  critiquePeers: [0, 16],
  critiqueItems: [0, 64],
  heldOutItems: [1, 1024],
  answerTokens: [1, 4096],
  critiqueTokens: [1, 4096],
} as const;

function numberAt(json: Readonly<Record<string, unknown>>, name: string): number {
  const value = json[name];
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new LearningSettingsError(
      `Learning setting ${name} must be a number: get the checkpoint from another peer.`,
    );
  }
  // JSON has no -0, so that settings with one would not come back the same.
  return value + 0;
}

function countAt(
  json: Readonly<Record<string, unknown>>,
  name: string,
  [least, most]: readonly [number, number],
): number {
  const value = numberAt(json, name);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new LearningSettingsError(`Learning setting ${name} must be ${least} to ${most}, not ${value}.`);
  }
  return value;
}

function objectOf(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new LearningSettingsError(`Learning settings must have an object at ${name}.`);
  }
  return value as Record<string, unknown>;
}

function choiceAt<T extends string>(
  json: Readonly<Record<string, unknown>>,
  name: string,
  choices: readonly T[],
): T {
  const choice = choices.find((candidate) => candidate === json[name]);
  if (choice === undefined) {
    throw new LearningSettingsError(`Learning setting ${name} must be one of: ${choices.join(', ')}.`);
  }
  return choice;
}

/**
 * 1 had no version field, no pool of items and no warm-up. 2 had difficulties of eight tasks only. 3 had no
 * bound on an author's part of the foreign samples, and 4 no floor of their likelihood; both are still read.
 */
const SETTINGS_VERSION = 5;
const FLOORLESS_VERSION = 4;
const UNBOUNDED_VERSION = 3;
const READ_VERSIONS: readonly unknown[] = [SETTINGS_VERSION, FLOORLESS_VERSION, UNBOUNDED_VERSION];

/**
 * The settings as JSON text, for a checkpoint's metadata. `parseSettings` reads it. Those without a floor
 * have the text of version 4, and those without a bound on authors too that of version 3, so that rounds of
 * then are replayed to the same bits.
 */
export function settingsText({ foreignDraw, foreignFloor, ...others }: LearningSettings): string {
  if (foreignFloor !== 'none')
    return JSON.stringify({ version: SETTINGS_VERSION, ...others, foreignDraw, foreignFloor });
  return foreignDraw === 'samples'
    ? JSON.stringify({ version: UNBOUNDED_VERSION, ...others })
    : JSON.stringify({ version: FLOORLESS_VERSION, ...others, foreignDraw });
}

/** The floor in settings of any version. Only those of version 5 have one. */
function floorOf(json: Readonly<Record<string, unknown>>): number | 'none' {
  if (json.version !== SETTINGS_VERSION) return 'none';
  const floor = numberAt(json, 'foreignFloor');
  if (floor > 0 || floor < LOWEST_FLOOR) {
    throw new LearningSettingsError(
      `Learning setting foreignFloor must be ${LOWEST_FLOOR} to 0, not ${floor}.`,
    );
  }
  return floor;
}

function checkVersion({ version = 1 }: Readonly<Record<string, unknown>>): void {
  if (READ_VERSIONS.includes(version)) return;
  const shown = typeof version === 'number' ? version : 'of another kind';
  throw new LearningSettingsError(
    `The checkpoint's learning settings have version ${shown}, and this program reads version ` +
      `${SETTINGS_VERSION}: start from the published model again, or use the program that wrote it.`,
  );
}

/**
 * Reads settings from parsed JSON. Ignores extra fields. Throws LearningSettingsError on missing or bad ones
 * and on those of another version, and SwarmSpecError on bad tasks.
 */
export function parseSettings(value: unknown): LearningSettings {
  const json = objectOf(value, 'the top');
  checkVersion(json);
  const mix = objectOf(json.mix, 'mix');
  const temperature = numberAt(json, 'temperature');
  if (temperature < 0.01 || temperature > 100)
    throw new LearningSettingsError('Temperature must be 0.01 to 100.');
  const learningRate = numberAt(json, 'learningRate');
  if (learningRate < 0 || learningRate > 1) throw new LearningSettingsError('Learning rate must be 0 to 1.');
  const weightDecay = numberAt(json, 'weightDecay');
  if (weightDecay < 0 || weightDecay > 1) throw new LearningSettingsError('Weight decay must be 0 to 1.');
  const count = (name: keyof typeof COUNTS) => countAt(json, name, COUNTS[name]);
  const itemsPerRound = count('itemsPerRound');
  return {
    tasks: parseTaskSelection(json.tasks),
    itemsPerRound,
    itemsAnswered: countAt(json, 'itemsAnswered', [1, itemsPerRound]),
    samplesPerItem: count('samplesPerItem'),
    temperature,
    reward: choiceAt(json, 'reward', REWARD_RULES),
    successesOnly: choiceAt(json, 'successesOnly', SUCCESSES_ONLY),
    mix: { own: countAt(mix, 'own', [0, 64]), foreign: countAt(mix, 'foreign', [0, 64]) },
    foreignDraw:
      json.version === UNBOUNDED_VERSION ? 'samples' : choiceAt(json, 'foreignDraw', FOREIGN_DRAWS),
    foreignFloor: floorOf(json),
    peersPerRound: count('peersPerRound'),
    stepsPerRound: count('stepsPerRound'),
    learningRate,
    warmupSteps: count('warmupSteps'),
    fullBatch: count('fullBatch'),
    weightDecay,
    practicePrompts: count('practicePrompts'),
    critiquePeers: count('critiquePeers'),
    critiqueItems: count('critiqueItems'),
    heldOutItems: count('heldOutItems'),
    answerTokens: count('answerTokens'),
    critiqueTokens: count('critiqueTokens'),
    models: choiceAt(json, 'models', MODEL_FAMILIES),
  };
}
