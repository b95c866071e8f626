/** The two ways of learning that the experiment compares, with everything but the sharing equal. */

import type { Engine } from '../../compute/engines/engine.ts';
import { ModelSession } from '../../models/decoder/session.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { RandomStream } from '../../protocol/philox.ts';
import type { PeerRollouts, RoundContext } from '../../protocol/trainer.ts';
import { greedyAccuracy, measureSkill, type Skill } from '../measure.ts';
import type { LoadedModel } from '../nano-files.ts';
import { answerItems } from '../rollouts.ts';
import { choosePeers, trainRound } from '../round.ts';
import { DEFAULT_SETTINGS, type LearningSettings } from '../settings.ts';

export type ArmName = 'swarm' | 'alone';

export const PEERS: readonly DeviceAddress[] = ['1', '2', '3', '4'].map(
  (digit) => `0x${digit.repeat(40)}` as DeviceAddress,
);

/** Each peer samples 8 x 8 completions a round and trains on at most 64: half of them others', or all its own. */
export const ARM_SETTINGS: Readonly<Record<ArmName, LearningSettings>> = {
  swarm: { ...DEFAULT_SETTINGS, mix: { own: 4, foreign: 4 }, heldOutItems: 128 },
  alone: { ...DEFAULT_SETTINGS, mix: { own: 8, foreign: 0 }, heldOutItems: 128 },
};

/** One peer after so many rounds. */
export interface Reading {
  readonly round: number;
  readonly peer: number;
  readonly skill: Skill;
  /** Share of the held-out questions whose most likely answer is right. */
  readonly greedy: number;
  /** Since the last reading, means per round. */
  readonly meanReward: number;
  readonly trainedSamples: number;
}

/** The seed that a round has in every run with this seed. */
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

/** Sampled answers per held-out question: more than a round affords, for a finer curve. */
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

/** Runs four peers for so many rounds from the same weights, each with its own draws. */
export async function runArm(options: ArmOptions): Promise<void> {
  const { arm, engine, model, rounds, measureEvery, onReading } = options;
  const settings = ARM_SETTINGS[arm];
  const sessions = await Promise.all(
    PEERS.map(() => ModelSession.create({ engine, config: model.config, parameters: model.parameters })),
  );
  const speakers = sessions.map((session) => ({ session, codec: model.codec }));
  const sums = PEERS.map(() => ({ reward: 0, samples: 0 }));
  for (let round = 0; round <= rounds; round++) {
    if (round % measureEvery === 0) {
      for (const [peer, speaker] of speakers.entries()) {
        const skill = await measureSkill(speaker, settings, { samples: SAMPLES });
        const greedy = await greedyAccuracy(speaker, settings);
        const sum = sums[peer] ?? { reward: 0, samples: 0 };
        onReading({
          round,
          peer,
          skill,
          greedy,
          meanReward: round === 0 ? 0 : sum.reward / measureEvery,
          trainedSamples: round === 0 ? 0 : sum.samples / measureEvery,
        });
        sums[peer] = { reward: 0, samples: 0 };
      }
    }
    if (round === rounds) break;
    const contexts = PEERS.map(
      (device): RoundContext => ({ round, device, seed: roundSeed(options.seed, round) }),
    );
    const published: PeerRollouts[] = [];
    for (const [peer, context] of contexts.entries()) {
      const speaker = speakers[peer];
      if (speaker === undefined) continue;
      const groups = await answerItems(speaker, settings, context);
      // Nobody checks roots or addresses of content here: all four are honest.
      published.push({
        author: context.device,
        cid: `${context.device}/${round}`,
        set: { modelRoot: '0x', groups },
      });
    }
    for (const [peer, context] of contexts.entries()) {
      const [speaker, own, sum] = [speakers[peer], published[peer], sums[peer]];
      if (speaker === undefined || own === undefined || sum === undefined) continue;
      const foreign = arm === 'swarm' ? choosePeers(settings, context, published) : [];
      const training = await trainRound(speaker, settings, context, { own, foreign });
      sum.reward += training.meanReward;
      sum.samples += training.trainedSamples;
    }
  }
  for (const session of sessions) await session.dispose();
}
