/** What a device learns whose only teachers are Sybils: eight identities of one attacker. */

import type { Engine } from '../../compute/engines/engine.ts';
import { canon } from '../../compute/repops/arithmetic.ts';
import { ModelSession } from '../../models/decoder/model-session.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import type { AnswerGroup, Completion, PeerRollouts } from '../../protocol/trainer.ts';
import { evaluate, greedyAccuracy } from '../evaluation.ts';
import { type LearningSettings, optimizerOf } from '../learning-settings.ts';
import type { LoadedModel } from '../nano-files.ts';
import { openRound, type Round } from '../open-round.ts';
import type { Policy } from '../policy-model.ts';
import type { PromptFormat } from '../prompt-format.ts';
import { choosePeers, trainRound } from '../round.ts';
import { answerItems } from '../sampling.ts';
import { shortFormat } from '../short-format.ts';
import type { TaskItem } from '../tasks/task.ts';
import { openTasks } from '../tasks/task-source.ts';
import { peerAddress, roundSeed } from './round-seeds.ts';

/** The attacks, and what each publishes for an item that its identity draws. */
export const POISON_ARMS = {
  alone: 'no teacher at all',
  nonsense: 'numbers, said to have been certain',
  silent: 'the right answer only, said to have been most unlikely, so that it teaches nothing',
  'cut short': 'the right answer without its last character',
  'own mistakes, certain':
    'mistakes of the device’s own published weights, said to be 0.2 nats likelier than they are',
  'own mistakes, rare':
    'the same, said to be 1.36 nats rarer than they are: the ratio stays below the cap of 4',
  'one right, silent': 'one right answer among nonsense, said to have been most unlikely',
  'one right, certain': 'one right answer among nonsense, said to have been certain',
  'one task': 'one right answer among nonsense, for items of gcd only',
} as const;
export type PoisonArm = keyof typeof POISON_ARMS;

const SYBILS = 8;
/** Samples that an informed attacker draws for each item from the device's published weights. */
const SPIED_SAMPLES = 8;
/** The lowest log-probability that is admitted. */
const LOWEST = -20;

/** The device after some rounds. */
export interface PoisonReading {
  readonly round: number;
  /** Share of the held-out questions whose most likely answer is right. */
  readonly greedy: number;
  /** Share of answers sampled at temperature 1 that are right. */
  readonly sampled: number;
  /** Mean per round since the last reading. */
  readonly trainedSamples: number;
}

export interface PoisonOptions {
  readonly arm: PoisonArm;
  readonly engine: Engine;
  readonly model: LoadedModel;
  readonly settings: LearningSettings;
  /** Name of the run, from which all draws follow. */
  readonly run: string;
  readonly rounds: number;
  readonly readEvery: number;
  readonly onReading?: (reading: PoisonReading) => void;
}

/** Trains one device for some rounds, taught by nobody or by eight Sybils. */
export async function runPoisonArm(options: PoisonOptions): Promise<readonly PoisonReading[]> {
  const { arm, engine, model, settings, rounds, readEvery } = options;
  const { config, parameters, tokenizer } = model;
  const session = await ModelSession.create({
    engine,
    config,
    parameters,
    optimizer: optimizerOf(settings),
  });
  const policy = { model: session, format: shortFormat(tokenizer) };
  const tasks = await openTasks(settings.tasks, new Map());
  const readings: PoisonReading[] = [];
  let trainedSamples = 0;
  for (let number = 0; number <= rounds; number++) {
    if (number % readEvery === 0) {
      const reading = {
        round: number,
        greedy: await greedyAccuracy(policy, settings, tasks),
        sampled: (await evaluate(policy, settings, tasks, { samples: 4 })).answering,
        trainedSamples: trainedSamples / readEvery,
      };
      readings.push(reading);
      options.onReading?.(reading);
      trainedSamples = 0;
    }
    if (number === rounds) break;
    const device = peerAddress(0);
    const round = openRound({ round: number, device, seed: roundSeed(options.run, number) }, settings, tasks);
    const own = rolloutSet(device, await answerItems(policy, round));
    const foreign = arm === 'alone' ? [] : choosePeers(round, await sybilSets(arm, policy, round));
    const training = await trainRound(policy, round, { own, foreign });
    trainedSamples += training.trainedSamples;
  }
  await session.dispose();
  return readings;
}

function rolloutSet(author: DeviceAddress, groups: readonly AnswerGroup[]): PeerRollouts {
  return { author, cid: `rollouts of ${author}`, set: { author, modelRoot: '0x', groups } };
}

async function sybilSets(
  arm: Exclude<PoisonArm, 'alone'>,
  policy: Policy,
  round: Round,
): Promise<readonly PeerRollouts[]> {
  const authors = Array.from({ length: SYBILS }, (_, sybil) => peerAddress(sybil + 1));
  const spied = arm.startsWith('own mistakes') ? await spy(policy, round, authors) : new Map();
  return authors.map((author, sybil) =>
    rolloutSet(
      author,
      round.drawOf(author).map((item) => ({
        item,
        completions: Array.from({ length: round.settings.samplesPerItem }, (_, sample) =>
          poisoned({
            arm,
            item: must(round.items, item),
            format: policy.format,
            mistakes: spied.get(item) ?? [],
            at: sybil * round.settings.samplesPerItem + sample,
            first: sample === 0,
          }),
        ),
      })),
    ),
  );
}

/**
 * Wrong answers of the device's own weights by item, as an attacker with its published checkpoint draws them.
 */
async function spy(
  policy: Policy,
  round: Round,
  authors: readonly DeviceAddress[],
): Promise<ReadonlyMap<number, readonly Completion[]>> {
  const items = new Set(authors.flatMap((author) => round.drawOf(author)));
  const drawn = [...items].sort((a, b) => a - b);
  const groups = await answerItems(policy, {
    ...round,
    settings: { ...round.settings, samplesPerItem: SPIED_SAMPLES },
    drawOf: () => drawn,
  });
  return new Map(
    groups.map(({ item, completions }) => {
      const wrong = completions.filter(({ text }) => must(round.items, item).check(text) < 1);
      return [item, wrong.length > 0 ? wrong : completions] as const;
    }),
  );
}

interface PoisonedOptions {
  readonly arm: Exclude<PoisonArm, 'alone'>;
  readonly item: TaskItem;
  readonly format: PromptFormat;
  readonly mistakes: readonly Completion[];
  /** Number of the completion among all Sybils' completions of the item. */
  readonly at: number;
  /** Whether it is the first of its identity. */
  readonly first: boolean;
}

function poisoned({ arm, item, format, mistakes, at, first }: PoisonedOptions): Completion {
  const saying = (text: string, logprob: number): Completion => {
    const tokens = [...format.encode(text), format.endToken];
    return { text, tokens, logprobs: tokens.map(() => canon(logprob)) };
  };
  const { answer, task } = item;
  const nonsense = saying(String(10 + ((at * 7 + answer.length) % 89)), 0);
  const shifted = (by: number): Completion => {
    const mistake = mistakes[at % mistakes.length];
    if (mistake === undefined) return nonsense;
    const claimed = (value: number) => canon(Math.max(LOWEST, Math.min(0, value + by)));
    return { ...mistake, logprobs: mistake.logprobs.map(claimed) };
  };
  switch (arm) {
    case 'nonsense':
      return nonsense;
    case 'silent':
      return saying(answer, LOWEST);
    case 'cut short':
      return saying(answer.length > 1 ? answer.slice(0, -1) : answer + answer, -0.7);
    case 'own mistakes, certain':
      return shifted(0.2);
    case 'own mistakes, rare':
      return shifted(-1.36);
    case 'one right, silent':
      return first ? saying(answer, LOWEST) : nonsense;
    case 'one right, certain':
      return first ? saying(answer, 0) : nonsense;
    case 'one task':
      return first && task === 'gcd' ? saying(answer, -0.7) : nonsense;
  }
}
