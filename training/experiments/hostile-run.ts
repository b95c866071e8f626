/** A swarm of which some members are hostile: what its honest members learn. */
import type { Engine } from '../../compute/engines/engine.ts';
import { ModelSession } from '../../models/decoder/model-session.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { selectPeers } from '../../protocol/peer-selection.ts';
import { RandomStream } from '../../protocol/philox.ts';
import type { PeerRollouts } from '../../protocol/trainer.ts';
import { type LearningSettings, optimizerOf } from '../learning-settings.ts';
import { openRound, type Round } from '../open-round.ts';
import type { Policy } from '../policy-model.ts';
import { choosePeers, trainRound } from '../round.ts';
import { answerItems, scoreRows } from '../sampling.ts';
import { openTasks } from '../tasks/task-source.ts';
import { type HeldOutSkill, mean, measureSkill } from './held-out-skill.ts';
import { type Attack, attackedItems, hostileAnswers, rightTokens } from './hostile-answers.ts';
import type { AskedModel } from './learning-run.ts';
import { peerAddress, roundSeed } from './round-seeds.ts';

export interface HostileRunOptions {
  readonly engine: Engine;
  readonly model: AskedModel;
  readonly honest: number;
  readonly hostile: number;
  readonly attack: Attack;
  readonly settings: LearningSettings;
  /** Name of the run, from which all draws follow. */
  readonly run: string;
  readonly rounds: number;
  /** Honest members whose held-out skill is measured after the last round. */
  readonly measured: number;
}

export interface HostileRunResult {
  /** Share of own fresh samples that are exactly right, by round: the mean over the honest members. */
  readonly rewardOfRounds: readonly number[];
  /** Held-out skill after the last round: the mean over the measured members. */
  readonly skill: HeldOutSkill;
  /** Samples that an honest member trains on in a round. */
  readonly trained: number;
}

/**
 * Runs the rounds. Each member selects its teachers by the swarm's rule, and all have a record, so that
 * nothing but the rules of training tells the hostile ones apart.
 */
export async function runHostile(options: HostileRunOptions): Promise<HostileRunResult> {
  const { engine, model, honest, hostile, attack, settings, run, rounds, measured } = options;
  const { config, parameters, format } = model;
  const tasks = await openTasks(settings.tasks, new Map());
  const policies: Policy[] = [];
  for (let member = 0; member < honest; member++) {
    const optimizer = optimizerOf(settings);
    policies.push({ model: await ModelSession.create({ engine, config, parameters, optimizer }), format });
  }
  const rewardOfRounds: number[] = [];
  let trained = 0;
  for (let number = 0; number < rounds; number++) {
    const seed = roundSeed(run, number);
    const views = policies.map((_, member) =>
      openRound({ round: number, device: peerAddress(member), seed }, settings, tasks),
    );
    const published: PeerRollouts[] = [];
    for (const [member, view] of views.entries()) {
      const groups = await answerItems(must(policies, member), view);
      published.push(publishedBy(member, number, groups));
    }
    const rights = published.flatMap(({ set }) =>
      set.groups.flatMap(({ item, completions }) =>
        completions.map(({ text }) => (must(must(views, 0).items, item).check(text) === 1 ? 1 : 0)),
      ),
    );
    rewardOfRounds.push(mean(rights));
    const view = must(views, 0);
    for (let member = honest; member < honest + hostile; member++) {
      const victim = must(published, (member - honest) % honest);
      const author = peerAddress(member);
      const likelihoods =
        attack === 'adapted'
          ? await likelihoodsOf(must(policies, (member - honest) % honest), view, author)
          : undefined;
      const answers = hostileAnswers({ attack, author, round: view, format, victim, likelihoods });
      published.push(publishedBy(member, number, answers));
    }
    for (const [member, each] of views.entries()) {
      const own = must(published, member);
      const foreign = choosePeers(each, teachersOf(member, run, number, published));
      trained += (await trainRound(must(policies, member), each, { own, foreign })).trainedSamples;
    }
  }
  const skill = await measureSkill(
    policies.slice(0, measured),
    tasks.heldOutItems(settings.heldOutItems),
    rounds,
  );
  for (const policy of policies) await policy.model.dispose();
  return { rewardOfRounds, skill, trained: trained / (honest * rounds) };
}

/** What a policy's weights say of the right answers to the items that a member attacks, by item. */
async function likelihoodsOf(
  { model, format }: Policy,
  round: Round,
  author: DeviceAddress,
): Promise<ReadonlyMap<number, readonly number[]>> {
  const items = attackedItems({ attack: 'adapted', author, round });
  const asked = items.map((item) => must(round.items, item));
  const rows = asked.map((each) => ({ prompt: format.answer(each), completion: rightTokens(format, each) }));
  const scores = await scoreRows(model, rows);
  return new Map(items.map((item, at) => [item, must(scores, at)]));
}

function publishedBy(member: number, round: number, groups: PeerRollouts['set']['groups']): PeerRollouts {
  const author = peerAddress(member);
  return { author, cid: `${author}/${round}`, set: { author, modelRoot: '0x', groups } };
}

/** The teachers that a member selects, by a secret of its own as the swarm has it. */
function teachersOf(
  member: number,
  run: string,
  round: number,
  published: readonly PeerRollouts[],
): readonly PeerRollouts[] {
  const device = peerAddress(member);
  const seed = new TextEncoder().encode(`${run} secret`);
  const stream = RandomStream.named({ seed, round, device, purpose: 'selection' });
  const words = Uint32Array.from({ length: 8 }, (_, index) => stream.word(index));
  const candidates = published.map((each) => ({ ...each, standing: { kind: 'known' } as const }));
  const secret = new Uint8Array(words.buffer);
  return selectPeers(candidates, { purpose: 'train', count: 8, device, secret });
}
