/** The two arms of the experiment: peers that share rollouts, and the same peers alone. All else is equal. */

import type { Engine } from '../../compute/engines/engine.ts';
import { ModelSession } from '../../models/decoder/model-session.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { RandomStream } from '../../protocol/philox.ts';
import type { PeerRollouts } from '../../protocol/trainer.ts';
import { type EvalMetrics, evaluate, greedyAccuracy } from '../evaluation.ts';
import { DEFAULT_SETTINGS, type LearningSettings } from '../learning-settings.ts';
import type { LoadedModel } from '../nano-files.ts';
import { openRound } from '../open-round.ts';
import { choosePeers, trainRound } from '../round.ts';
import { answerItems } from '../sampling.ts';

export type ArmName = 'swarm' | 'alone';

export const PEERS: readonly DeviceAddress[] = ['1', '2', '3', '4'].map(
  (digit) => `0x${digit.repeat(40)}` as DeviceAddress,
);

/**
 * Each peer samples 8 x 8 completions a round and trains on at most 64: half of them foreign, or all its own.
 */
export const ARM_SETTINGS: Readonly<Record<ArmName, LearningSettings>> = {
  swarm: { ...DEFAULT_SETTINGS, mix: { own: 4, foreign: 4 }, heldOutItems: 128 },
  alone: { ...DEFAULT_SETTINGS, mix: { own: 8, foreign: 0 }, heldOutItems: 128 },
};

/** The metrics of one peer after some rounds. */
export interface Reading {
  readonly round: number;
  readonly peer: number;
  readonly metrics: EvalMetrics;
  /** Share of the held-out questions whose most likely answer is right. */
  readonly greedy: number;
  /** Mean per round since the last reading. */
  readonly meanReward: number;
  /** Mean per round since the last reading. */
  readonly trainedSamples: number;
}

/** The seed of a round. It follows from the seed of the run. */
function roundSeed(seed: string, round: number): `0x${string}` {
  const stream = RandomStream.named({
    seed: new TextEncoder().encode(seed),
    round,
    device: '',
    purpose: 'selection',
  });
  const words = Array.from({ length: 8 }, (_, index) => stream.word(index).toString(16).padStart(8, '0'));
  return `0x${words.join('')}`;
}

/** Sampled answers per held-out question. More than in a round, for a finer curve. */
const SAMPLES = 8;

export interface ArmOptions {
  readonly arm: ArmName;
  readonly engine: Engine;
  readonly model: LoadedModel;
  readonly seed: string;
  readonly rounds: number;
  readonly measureEvery: number;
  readonly onReading: (reading: Reading) => void;
}

/** Runs four peers for some rounds from the same weights, each with its own random draws. */
export async function runArm(options: ArmOptions): Promise<void> {
  const { arm, engine, model, rounds, measureEvery, onReading } = options;
  const settings = ARM_SETTINGS[arm];
  const sessions = await Promise.all(
    PEERS.map(() => ModelSession.create({ engine, config: model.config, parameters: model.parameters })),
  );
  const policies = sessions.map((session) => ({ session, tokenizer: model.tokenizer }));
  const sums = PEERS.map(() => ({ reward: 0, samples: 0 }));
  for (let round = 0; round <= rounds; round++) {
    if (round % measureEvery === 0) {
      for (const [peer, policy] of policies.entries()) {
        const metrics = await evaluate(policy, settings, { samples: SAMPLES });
        const greedy = await greedyAccuracy(policy, settings);
        const sum = must(sums, peer);
        onReading({
          round,
          peer,
          metrics,
          greedy,
          meanReward: round === 0 ? 0 : sum.reward / measureEvery,
          trainedSamples: round === 0 ? 0 : sum.samples / measureEvery,
        });
        sums[peer] = { reward: 0, samples: 0 };
      }
    }
    if (round === rounds) break;
    const seed = roundSeed(options.seed, round);
    const views = PEERS.map((device) => openRound({ round, device, seed }, settings));
    const published: PeerRollouts[] = [];
    for (const [peer, view] of views.entries()) {
      const { device } = view.context;
      const groups = await answerItems(must(policies, peer), view);
      // Nobody checks model roots or content ids here: all four peers are honest.
      published.push({
        author: device,
        cid: `${device}/${round}`,
        set: { author: device, modelRoot: '0x', groups },
      });
    }
    for (const [peer, view] of views.entries()) {
      const [own, sum] = [must(published, peer), must(sums, peer)];
      const foreign = arm === 'swarm' ? choosePeers(view, published) : [];
      const training = await trainRound(must(policies, peer), view, { own, foreign });
      sum.reward += training.meanReward;
      sum.samples += training.trainedSamples;
    }
  }
  for (const session of sessions) await session.dispose();
}
