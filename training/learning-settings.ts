/** How a device learns. The settings travel in the checkpoint's metadata, so that a replay knows them. */

import { PEERS_PER_ROUND } from '../protocol/peer-selection.ts';
import type { MixSizes } from './grpo.ts';
import { TASKS } from './tasks/catalogue.ts';
import type { DifficultyPlan } from './tasks/item-sets.ts';

export interface LearningSettings {
  /** Difficulties in use per task. */
  readonly plan: DifficultyPlan;
  readonly itemsPerRound: number;
  /** The device's own completions per item (GRPO's G). */
  readonly samplesPerItem: number;
  readonly temperature: number;
  /** SAPO's I and J, per item. */
  readonly mix: MixSizes;
  /** Most peers whose rollout sets are drawn from. */
  readonly peersPerRound: number;
  /** Minibatches that a round's samples are shuffled into. Each is one AdamW step. */
  readonly stepsPerRound: number;
  readonly learningRate: number;
  /** Prompts per round on which judging and correcting are each practised. 0 turns practice off. */
  readonly practicePrompts: number;
  /** Peers whose answers are judged. */
  readonly critiquePeers: number;
  /** Answers of each peer that are judged. */
  readonly critiqueItems: number;
  /** Held-out questions on which accuracy is measured after each round. */
  readonly heldOutItems: number;
}

export const DEFAULT_SETTINGS: LearningSettings = {
  plan: { sums: [0, 1], sorting: [0, 1, 2], gcd: [0, 1, 2], reversing: [0, 1, 2] },
  itemsPerRound: 8,
  samplesPerItem: 8,
  temperature: 1,
  mix: { own: 4, foreign: 4 },
  peersPerRound: PEERS_PER_ROUND.train,
  stepsPerRound: 1,
  learningRate: 1e-4,
  practicePrompts: 2,
  critiquePeers: PEERS_PER_ROUND.critique,
  critiqueItems: 4,
  heldOutItems: 64,
};

/**
 * The same tasks for a slow device: a sixth of the work, so that it still finishes within the round. Settings
 * belong to a device and travel in its checkpoint. Only the tasks must be those of the swarm.
 */
export const LIGHT_SETTINGS: LearningSettings = {
  ...DEFAULT_SETTINGS,
  samplesPerItem: 4,
  mix: { own: 1, foreign: 1 },
  practicePrompts: 0,
};

/** Settings are missing or out of bounds. */
export class LearningSettingsError extends Error {
  override readonly name = 'LearningSettingsError';
}

/** Bounds that keep one round within a few seconds and a few MB, whoever wrote the checkpoint. */
const COUNTS = {
  itemsPerRound: [1, 256],
  samplesPerItem: [1, 64],
  peersPerRound: [0, 64],
  stepsPerRound: [1, 64],
  practicePrompts: [0, 64],
  critiquePeers: [0, 16],
  critiqueItems: [0, 64],
  heldOutItems: [1, 1024],
} as const;

function numberAt(json: Readonly<Record<string, unknown>>, name: string): number {
  const value = json[name];
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new LearningSettingsError(
      `Learning setting ${name} must be a number: get the checkpoint from another peer.`,
    );
  }
  return value;
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

function planOf(json: Readonly<Record<string, unknown>>): DifficultyPlan {
  const entries = TASKS.map((task) => {
    const chosen = json[task.name];
    const known = (difficulty: unknown) =>
      typeof difficulty === 'number' && task.difficulties[difficulty] !== undefined;
    if (!Array.isArray(chosen) || chosen.length < 1 || chosen.length > 16 || !chosen.every(known)) {
      throw new LearningSettingsError(
        `Learning settings must list difficulties 0 to ${task.difficulties.length - 1} for ${task.name}.`,
      );
    }
    return [task.name, chosen as readonly number[]] as const;
  });
  return Object.fromEntries(entries) as Record<(typeof entries)[number][0], readonly number[]>;
}

/**
 * Reads settings from parsed JSON. Ignores extra fields. Throws LearningSettingsError on missing or bad ones.
 */
export function parseSettings(value: unknown): LearningSettings {
  const json = objectOf(value, 'the top');
  const mix = objectOf(json.mix, 'mix');
  const temperature = numberAt(json, 'temperature');
  if (temperature < 0.01 || temperature > 100)
    throw new LearningSettingsError('Temperature must be 0.01 to 100.');
  const learningRate = numberAt(json, 'learningRate');
  if (learningRate < 0 || learningRate > 1) throw new LearningSettingsError('Learning rate must be 0 to 1.');
  const count = (name: keyof typeof COUNTS) => countAt(json, name, COUNTS[name]);
  return {
    plan: planOf(objectOf(json.plan, 'plan')),
    itemsPerRound: count('itemsPerRound'),
    samplesPerItem: count('samplesPerItem'),
    temperature,
    mix: { own: countAt(mix, 'own', [0, 64]), foreign: countAt(mix, 'foreign', [0, 64]) },
    peersPerRound: count('peersPerRound'),
    stepsPerRound: count('stepsPerRound'),
    learningRate,
    practicePrompts: count('practicePrompts'),
    critiquePeers: count('critiquePeers'),
    critiqueItems: count('critiqueItems'),
    heldOutItems: count('heldOutItems'),
  };
}
