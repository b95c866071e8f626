/** Rounds of the product's own trainers, stage by stage, sharing what they publish or each alone. */
import type { Engine } from '../../compute/engines/engine.ts';
import { must } from '../../protocol/must.ts';
import { UNKNOWN } from '../../protocol/standing.ts';
import type { PeerJudgements, PeerRollouts } from '../../protocol/trainer.ts';
import { firstCheckpoint } from '../learning-checkpoint.ts';
import type { LearningSettings } from '../learning-settings.ts';
import type { LoadedModel } from '../nano-files.ts';
import { shortFormat } from '../short-format.ts';
import { openTasks } from '../tasks/task-source.ts';
import { LearningTrainer } from '../trainer.ts';
import { mean } from './held-out-skill.ts';
import { peerAddress, roundSeed } from './round-seeds.ts';

export interface TrainerRunOptions {
  readonly engine: Engine;
  readonly model: LoadedModel;
  readonly members: number;
  readonly shared: boolean;
  readonly settings: LearningSettings;
  /** Name of the run, from which all draws follow. */
  readonly run: string;
  readonly rounds: number;
}

export interface TrainerRunResult {
  /** Share of own fresh samples that are exactly right, by round: the mean over the members. */
  readonly rewardOfRounds: readonly number[];
  /** Root of each member's checkpoint after the last round. */
  readonly roots: readonly string[];
}

/** Runs every stage of the rounds: answers, critiques, votes and corrections, training. */
export async function runTrainers(options: TrainerRunOptions): Promise<TrainerRunResult> {
  const { engine, settings, rounds, shared } = options;
  const { config, parameters, tokenizer } = options.model;
  const tasks = await openTasks(settings.tasks, new Map());
  const { signal } = new AbortController();
  const members: LearningTrainer[] = [];
  for (let member = 0; member < options.members; member++) {
    const device = peerAddress(member);
    let kept: Uint8Array | undefined;
    const store = {
      load: async () => kept,
      save: async (file: Uint8Array) => {
        kept = file;
      },
    };
    const first = async () => firstCheckpoint({ config, parameters, device, settings });
    members.push(
      await LearningTrainer.start({ engine, format: shortFormat(tokenizer), tasks, store, first }),
    );
  }
  const rewardOfRounds: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const seed = roundSeed(options.run, round);
    const contexts = members.map((_, member) => ({ round, seed, device: peerAddress(member) }));
    const published: PeerRollouts[] = [];
    for (const [index, member] of members.entries()) {
      const context = must(contexts, index);
      const set = await member.answer(context, signal);
      published.push({ author: context.device, cid: `${context.device}/${round}`, set });
    }
    if (shared) await judgeAndVote(members, contexts, published, signal);
    const rewards: number[] = [];
    for (const [index, member] of members.entries()) {
      const own = must(published, index);
      const foreign = shared ? published.filter((set) => set !== own) : [];
      rewards.push((await member.train(must(contexts, index), own, foreign, signal)).meanReward);
    }
    rewardOfRounds.push(mean(rewards));
  }
  const roots = members.map(({ root }) => root);
  for (const member of members) await member.stop();
  return { rewardOfRounds, roots };
}

/** The critique and vote stages. They change no weight, and are run as the product runs them. */
async function judgeAndVote(
  members: readonly LearningTrainer[],
  contexts: readonly Parameters<LearningTrainer['answer']>[0][],
  published: readonly PeerRollouts[],
  signal: AbortSignal,
): Promise<void> {
  const critiques: PeerJudgements[] = [];
  for (const [index, member] of members.entries()) {
    const context = must(contexts, index);
    const others = published.filter(({ author }) => author !== context.device);
    const judgements = await member.critique(context, others, signal);
    critiques.push({ critic: context.device, standing: UNKNOWN, judgements });
  }
  for (const [index, member] of members.entries()) {
    await member.vote(must(contexts, index), published, critiques, signal);
  }
}
