/** Where "Start a swarm" begins: good settings for each kind of model, and a sentence for each setting. */
import type { RoundNumbers, RoundSchedule } from '../../protocol/swarm-spec.ts';

/** A number of a specification that a person may change. */
export type SettingName = keyof RoundNumbers | keyof RoundSchedule;

export interface Setting {
  readonly name: SettingName;
  readonly label: string;
  readonly unit?: string;
  /** What it does, and which way to turn it. */
  readonly sentence: string;
}

export const SETTINGS: readonly Setting[] = [
  {
    name: 'itemsPerRound',
    label: 'Tasks in a round',
    sentence: 'Every device sees the same pool. A larger pool means that members answer different tasks.',
  },
  {
    name: 'itemsAnswered',
    label: 'Tasks that a device answers',
    sentence: 'Each device draws its own from the pool. More of them take longer.',
  },
  {
    name: 'samplesPerItem',
    label: 'Answers to each task',
    sentence: 'A model learns from the difference between its better and worse answers, so one is too few.',
  },
  {
    name: 'temperature',
    label: 'Temperature',
    sentence: 'How freely answers are drawn. 1 draws as the model believes; less makes them alike.',
  },
  {
    name: 'answerTokens',
    label: 'Longest answer',
    unit: 'tokens',
    sentence: 'Reasoning counts. An answer that is cut off earns nothing.',
  },
  {
    name: 'critiqueTokens',
    label: 'Longest critique',
    unit: 'tokens',
    sentence: 'Of judging another’s answer, and of correcting an own one.',
  },
  {
    name: 'learningRate',
    label: 'Learning rate',
    sentence: 'How far a step moves the weights. Too much ruins the model, too little teaches nothing.',
  },
  {
    name: 'warmupSteps',
    label: 'Warm-up',
    unit: 'steps',
    sentence: 'The learning rate rises over so many steps, because the first ones are mostly noise.',
  },
  {
    name: 'stepsPerRound',
    label: 'Steps in a round',
    sentence: 'Into how many parts a round’s answers are divided. One is the safest.',
  },
  {
    name: 'weightDecay',
    label: 'Weight decay',
    sentence: 'Draws the weights towards 0. Usually none.',
  },
  {
    name: 'heldOutItems',
    label: 'Held-out tasks',
    sentence:
      'Asked after each round and never trained on. More of them make the curve smoother, and cost time.',
  },
  {
    name: 'answerSeconds',
    label: 'Time to answer',
    unit: 's',
    sentence: 'The slowest device that should take part must be able to answer in it.',
  },
  {
    name: 'critiqueSeconds',
    label: 'Time to judge',
    unit: 's',
    sentence: 'For judging some of the others’ answers.',
  },
  {
    name: 'voteSeconds',
    label: 'Time to vote and train',
    unit: 's',
    sentence: 'For corrections, votes, the training step and the evaluation.',
  },
];

export type Numbers = Readonly<Record<SettingName, number>>;

/** Which settings a model starts with. */
export type ModelClass = 'nano' | 'micro' | 'published';

const NANO: Numbers = {
  itemsPerRound: 32,
  itemsAnswered: 8,
  samplesPerItem: 8,
  temperature: 1,
  answerTokens: 9,
  critiqueTokens: 9,
  learningRate: 1e-4,
  warmupSteps: 10,
  stepsPerRound: 1,
  weightDecay: 0,
  heldOutItems: 384,
  answerSeconds: 8,
  critiqueSeconds: 5,
  voteSeconds: 7,
};

const PRESETS: Readonly<Record<ModelClass, Numbers>> = {
  nano: NANO,
  micro: {
    ...NANO,
    answerTokens: 48,
    critiqueTokens: 32,
    heldOutItems: 96,
    answerSeconds: 20,
    critiqueSeconds: 12,
    voteSeconds: 28,
  },
  published: {
    ...NANO,
    itemsPerRound: 32,
    itemsAnswered: 4,
    samplesPerItem: 4,
    answerTokens: 256,
    critiqueTokens: 96,
    learningRate: 1e-5,
    heldOutItems: 16,
    answerSeconds: 300,
    critiqueSeconds: 120,
    voteSeconds: 480,
  },
};

export function presetNumbers(model: ModelClass): Numbers {
  return PRESETS[model];
}
