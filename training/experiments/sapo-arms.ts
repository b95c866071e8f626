/** The arms of the experiment "sapo": what sharing rollouts gains, and against what. */
import { DEFAULT_SETTINGS, type LearningSettings } from '../learning-settings.ts';
import { NANO_SELECTION, selectGenerators } from '../tasks/catalogue.ts';
import { TRAINED } from './sapo-base.ts';

/**
 * Where an arm's peers start. `level`: a model whose pretraining stops when that share of its sampled answers
 * is right. `nano`, `micro`: the committed ones.
 */
export type StartModel =
  | { readonly kind: 'level'; readonly level: number }
  | { readonly kind: 'nano' }
  | { readonly kind: 'micro' };

/** What is chosen for an arm on the tuning seed. */
export interface Tuning {
  readonly learningRate: number;
  /** Optimizer steps that a round's samples are spread over. */
  readonly steps: number;
}

/** How a peer learns from a round. `published`: as arXiv 2509.08721 has it. */
export type LearningRule = 'product' | 'published' | 'voted';

export interface SapoArm {
  readonly description: string;
  readonly start: StartModel;
  readonly peers: number;
  readonly shared: boolean;
  readonly settings: LearningSettings;
  /** What to choose from on the tuning seed. */
  readonly tunings: readonly Tuning[];
  /** Rewards are chance: a control. */
  readonly chanceRewards?: boolean;
  /** Rounds, where they are others than the experiment's. */
  readonly rounds?: number;
  /** Defaults to `product`. */
  readonly rule?: LearningRule;
}

/** Success is rare. SAPO's figures begin at about this accuracy too. */
const RARE: StartModel = { kind: 'level', level: 0.01 };
const NANO: StartModel = { kind: 'nano' };

/** Samples of a round with which its steps have the whole rate. */
const FULL_ROUND = 64;

/**
 * Tasks with answers that cannot be known by heart, exact reward, only successes trained on, at most 64
 * samples a round.
 */
const SETTINGS: LearningSettings = {
  ...DEFAULT_SETTINGS,
  tasks: TRAINED,
  itemsPerRound: 64,
  itemsAnswered: 8,
  samplesPerItem: 8,
  successesOnly: 'all',
  mix: { own: 4, foreign: 4 },
  practicePrompts: 0,
  heldOutItems: 384,
  // The results were made before the rules against strangers who lie (docs/results/poison.md).
  foreignDraw: 'samples',
  foreignFloor: 'none',
};

/** The same for every arm that is tuned. */
const TUNINGS: readonly Tuning[] = [
  { learningRate: 3e-4, steps: 1 },
  { learningRate: 1e-3, steps: 1 },
  { learningRate: 3e-4, steps: 4 },
  { learningRate: 1e-3, steps: 4 },
];

const A: SapoArm = {
  description: 'alone: own samples only',
  start: RARE,
  peers: 4,
  shared: false,
  settings: { ...SETTINGS, mix: { own: 8, foreign: 0 } },
  tunings: TUNINGS,
};

const C: SapoArm = {
  description: 'swarm of 8, each answers 8 of a pool of 64 questions',
  start: RARE,
  peers: 8,
  shared: true,
  settings: SETTINGS,
  tunings: TUNINGS,
};

const H: SapoArm = {
  ...C,
  description: 'the committed nano on its own tasks, swarm of 8, 24 foreign samples a question',
  start: NANO,
  rounds: 60,
  settings: { ...SETTINGS, tasks: NANO_SELECTION, mix: { own: 8, foreign: 24 } },
  tunings: [{ learningRate: 3e-4, steps: 1 }],
};

/** The tasks of micro of which it gets 2 to 7 % of its sampled answers right (docs/results/micro.md). */
const MICRO_RARE = selectGenerators({
  'chain-sums': [2],
  'sort-numbers': [1],
  sequences: [1],
  equations: [0],
});

/** The choice of A and of C at rare success. Answers of micro cost a hundred times those of nano. */
const MICRO_TUNINGS: readonly Tuning[] = [{ learningRate: 3e-4, steps: 4 }];

/** Four devices answer each question, so that there is something to vote on. */
const VOTING: LearningSettings = { ...H.settings, itemsPerRound: 16, mix: { own: 8, foreign: 8 } };

export const SAPO_ARMS = {
  A,
  B: {
    ...A,
    description: 'alone with 2.5 times the samples',
    settings: { ...SETTINGS, itemsAnswered: 20, mix: { own: 4, foreign: 0 } },
  },
  C,
  D: {
    ...C,
    description: 'swarm of 8, each answers 8 of a pool of 32',
    settings: { ...SETTINGS, itemsPerRound: 32 },
  },
  E: {
    ...C,
    description: 'swarm of 8, all answer the same 8 questions',
    settings: { ...SETTINGS, itemsPerRound: 8 },
  },
  F: {
    ...A,
    description: 'one learner with everybody’s samples: 64 questions of its own',
    peers: 1,
    settings: { ...SETTINGS, itemsAnswered: 64, mix: { own: 1, foreign: 0 } },
  },
  G: { ...C, description: 'C with rewards by chance: a control', chanceRewards: true },
  H,
  P: {
    ...C,
    description: 'SAPO as published: 4 own questions, 4 foreign groups, failures too, ratio 1',
    settings: { ...SETTINGS, itemsAnswered: 4, successesOnly: 'none' },
    tunings: [
      { learningRate: 3e-4, steps: 1 },
      { learningRate: 1e-3, steps: 1 },
    ],
    rule: 'published',
  },
  A15: { ...A, description: 'A from a start at 15 %', start: { kind: 'level', level: 0.15 } },
  C15: { ...C, description: 'C from a start at 15 %', start: { kind: 'level', level: 0.15 } },
  A50: { ...A, description: 'A from a start at 50 %', start: { kind: 'level', level: 0.5 } },
  C50: { ...C, description: 'C from a start at 50 %', start: { kind: 'level', level: 0.5 } },
  U: { ...H, rounds: 30, description: 'nano, pool of 16: votes and critiques not used', settings: VOTING },
  V: {
    ...H,
    rounds: 30,
    description: 'U with practice of critiques, and foreign groups only where an answer was voted best',
    settings: { ...VOTING, practicePrompts: 2 },
    rule: 'voted',
  },
  N: {
    ...H,
    description: 'nano on its own tasks, with the settings that a swarm has by default',
    rounds: 30,
    settings: {
      ...DEFAULT_SETTINGS,
      heldOutItems: SETTINGS.heldOutItems,
      foreignDraw: SETTINGS.foreignDraw,
      foreignFloor: SETTINGS.foreignFloor,
    },
    tunings: [{ learningRate: DEFAULT_SETTINGS.learningRate, steps: DEFAULT_SETTINGS.stepsPerRound }],
  },
  L50: {
    ...C,
    description: 'C from a start at 50 %, with a tenth of the rate',
    start: { kind: 'level', level: 0.5 },
    tunings: [{ learningRate: 1e-4, steps: 4 }],
  },
  MA: {
    ...A,
    description: 'micro alone, on four tasks in words of which it knows little',
    start: { kind: 'micro' },
    peers: 2,
    rounds: 20,
    settings: { ...A.settings, tasks: MICRO_RARE },
    tunings: MICRO_TUNINGS,
  },
  MC: {
    ...C,
    description: 'micro in a swarm of 8, the same tasks',
    start: { kind: 'micro' },
    rounds: 20,
    settings: { ...SETTINGS, tasks: MICRO_RARE },
    tunings: MICRO_TUNINGS,
  },
} as const satisfies Readonly<Record<string, SapoArm>>;

export type SapoArmName = keyof typeof SAPO_ARMS;
export const SAPO_ARM_NAMES = Object.keys(SAPO_ARMS) as SapoArmName[];

/**
 * The arm whose choice on the tuning seed this one takes. A control must not be tuned by its own reward, and
 * an arm that differs from C in one respect must differ in no other.
 */
export function tunedAs(name: SapoArmName): SapoArmName {
  const as: Readonly<Partial<Record<SapoArmName, SapoArmName>>> = {
    D: 'C',
    E: 'C',
    F: 'C',
    G: 'C',
    A15: 'A',
    C15: 'C',
    A50: 'A',
    C50: 'C',
  };
  return as[name] ?? name;
}

/** The settings of an arm with what was chosen. */
export function tunedSettings({ settings }: SapoArm, { learningRate, steps }: Tuning): LearningSettings {
  return { ...settings, learningRate, stepsPerRound: steps, fullBatch: FULL_ROUND / steps };
}
