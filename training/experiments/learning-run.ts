/** Peers that learn for some rounds from the same start, sharing their rollouts or each alone. */
import type { Engine } from '../../compute/engines/engine.ts';
import type { DecoderConfig } from '../../models/decoder/config.ts';
import { ModelSession } from '../../models/decoder/model-session.ts';
import type { NamedTensors } from '../../models/decoder/state.ts';
import { must } from '../../protocol/must.ts';
import { RandomStream } from '../../protocol/philox.ts';
import type { PeerRollouts } from '../../protocol/trainer.ts';
import { type LearningSettings, optimizerOf } from '../learning-settings.ts';
import { openRound, type Round } from '../open-round.ts';
import type { Policy } from '../policy-model.ts';
import type { PromptFormat } from '../prompt-format.ts';
import { choosePeers, trainRound } from '../round.ts';
import { answerItems } from '../sampling.ts';
import { openTasks } from '../tasks/task-source.ts';
import { type HeldOutSkill, mean, measureSkill } from './held-out-skill.ts';
import { trainAsPublished } from './published-rule.ts';
import { peerAddress, roundSeed } from './round-seeds.ts';
import type { LearningRule } from './sapo-arms.ts';
import { votedRollouts } from './voted-rollouts.ts';

export interface LearningResult {
  /** Share of own fresh samples that are exactly right: the mean over peers and rounds. */
  readonly reward: number;
  /** The same of each peer. */
  readonly rewardOfPeers: readonly number[];
  /** The same of each round, the mean over peers. */
  readonly rewardOfRounds: readonly number[];
  readonly skill: readonly HeldOutSkill[];
  /** Means per peer and round. */
  readonly sampled: number;
  readonly trained: number;
  readonly sampledTokens: number;
  /** CPU seconds per peer and round, without measuring. */
  readonly cpuSeconds: number;
}

/** The weights that all peers start from, and how the model is asked. */
export interface AskedModel {
  readonly config: DecoderConfig;
  readonly parameters: NamedTensors;
  readonly format: PromptFormat;
}

export interface LearningRunOptions {
  readonly engine: Engine;
  readonly model: AskedModel;
  readonly peers: number;
  /** Whether the peers train on one another's rollouts. */
  readonly shared: boolean;
  readonly settings: LearningSettings;
  /** Name of the run, from which all draws follow. */
  readonly run: string;
  readonly rounds: number;
  /** The rounds before which skill is measured. `rounds` itself is after the last. */
  readonly measureAt: readonly number[];
  /** Peers that are measured. */
  readonly measuredPeers: number;
  /** Rewards are chance, as often as answers are right: a control. Defaults to false. */
  readonly chanceRewards?: boolean;
  /** How a peer learns from a round. Defaults to `product`. */
  readonly rule?: LearningRule;
}

/** Runs the rounds. All peers are honest, so that nobody checks roots or content ids here. */
export async function runLearning(options: LearningRunOptions): Promise<LearningResult> {
  const { engine, model, settings, rounds, measureAt, rule = 'product' } = options;
  const { config, parameters, format } = model;
  const tasks = await openTasks(settings.tasks, new Map());
  const policies: Policy[] = [];
  for (let peer = 0; peer < options.peers; peer++) {
    const optimizer = optimizerOf(settings);
    policies.push({
      model: await ModelSession.create({ engine, config, parameters, optimizer }),
      format,
    });
  }
  const rewards = policies.map(() => 0);
  const rewardOfRounds: number[] = [];
  const skill: HeldOutSkill[] = [];
  let [sampled, trained, sampledTokens, cpuMicroseconds] = [0, 0, 0, 0];
  for (let number = 0; number <= rounds; number++) {
    if (measureAt.includes(number)) {
      // Before the first round all peers are the same.
      const measured = policies.slice(0, number === 0 ? 1 : options.measuredPeers);
      skill.push(await measureSkill(measured, tasks.heldOutItems(settings.heldOutItems), number));
    }
    if (number === rounds) break;
    const begun = process.cpuUsage();
    const seed = roundSeed(options.run, number);
    const views = policies.map((_, peer) =>
      openRound({ round: number, device: peerAddress(peer), seed }, settings, tasks),
    );
    const published: PeerRollouts[] = [];
    for (const [peer, view] of views.entries()) {
      const groups = await answerItems(must(policies, peer), view);
      const author = view.context.device;
      published.push({ author, cid: `${author}/${number}`, set: { author, modelRoot: '0x', groups } });
    }
    const right = published.map((set) => exactShare(set, must(views, 0)));
    rewardOfRounds.push(mean(right));
    for (const [peer, share] of right.entries()) rewards[peer] = must(rewards, peer) + share;
    for (const { completions } of published.flatMap(({ set }) => set.groups)) {
      sampled += completions.length;
      for (const { tokens } of completions) sampledTokens += tokens.length;
    }
    const offered = rule === 'voted' ? await votedRollouts(policies, views, published) : published;
    const learn = rule === 'published' ? trainAsPublished : trainRound;
    for (const [peer, view] of views.entries()) {
      const round = options.chanceRewards === true ? withChanceRewards(view, mean(right)) : view;
      const foreign = options.shared ? choosePeers(round, offered) : [];
      const own = must(published, peer);
      trained += (await learn(must(policies, peer), round, { own, foreign })).trainedSamples;
    }
    const used = process.cpuUsage(begun);
    cpuMicroseconds += used.user + used.system;
  }
  for (const policy of policies) await policy.model.dispose();
  const peerRounds = options.peers * rounds;
  return {
    reward: mean(rewards) / rounds,
    rewardOfPeers: rewards.map((reward) => reward / rounds),
    rewardOfRounds,
    skill,
    sampled: sampled / peerRounds,
    trained: trained / peerRounds,
    sampledTokens: sampledTokens / peerRounds,
    cpuSeconds: cpuMicroseconds / 1e6 / peerRounds,
  };
}

/** Share of a device's own answers that are exactly right. */
function exactShare({ set }: PeerRollouts, { items }: Round): number {
  const answers = set.groups.flatMap(({ item, completions }) =>
    completions.map(({ text }) => (must(items, item).check(text) === 1 ? 1 : 0)),
  );
  return mean(answers);
}

/** The least share of texts that chance calls right, so that there is something to train on. */
const LEAST_CHANCE = 1 / 32;

/** The round with checkers that call each text right by a draw with that probability. */
function withChanceRewards(round: Round, probability: number): Round {
  const { seed } = round.context;
  const items = round.items.map((item, index) => ({
    ...item,
    check(text: string) {
      const bytes = new TextEncoder().encode(seed);
      const stream = RandomStream.named({
        seed: bytes.slice(0, 64),
        round: index,
        device: text,
        purpose: 'selection',
      });
      return stream.uniform(0) < Math.max(LEAST_CHANCE, probability) ? 1 : 0;
    },
  }));
  return { ...round, items };
}
