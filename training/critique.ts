/** The critique and vote stages: judging others' answers, voting, and correcting one's own. */

import type { DeviceAddress } from '../protocol/hex.ts';
import { byAuthor, narrowPeers } from '../protocol/peer-selection.ts';
import type {
  Ballot,
  Correction,
  Judgement,
  PeerJudgements,
  PeerRollouts,
  RoundContext,
} from '../protocol/trainer.ts';
import { correctPrompt, isPlainAnswer, judgePrompt, saysRight } from './prompts.ts';
import { itemsOf, roundStream, type Speaker, say } from './rollouts.ts';
import type { LearningSettings } from './settings.ts';
import type { TaskItem } from './tasks/task.ts';

/** Completions of one item by one author that are looked at; the rest of a longer list is not. */
const MOST_SAMPLES = 64;

interface Shown {
  readonly author: DeviceAddress;
  readonly item: number;
  readonly sample: number;
  readonly text: string;
}

/** An author's plain answers to known items, each item once. */
function plainAnswers(peer: PeerRollouts, items: readonly TaskItem[]): readonly Shown[] {
  const seen = new Set<number>();
  return peer.set.groups.slice(0, items.length).flatMap(({ item, completions }) => {
    if (items[item] === undefined || seen.has(item)) return [];
    seen.add(item);
    return completions
      .slice(0, MOST_SAMPLES)
      .map(({ text }, sample) => ({ author: peer.author, item, sample, text }))
      .filter(({ text }) => isPlainAnswer(text));
  });
}

/**
 * Speaks for this device about others' answers in place of the model in training: a frozen model, say, that does not drift with what
 * it judges. What it says about a prompt must depend on nothing else.
 */
export interface Critic {
  /** What it says about each judge prompt, in their order. */
  sayAbout(prompts: readonly string[], signal?: AbortSignal): Promise<readonly string[]>;
}

/**
 * Judges the first answers of at most `critiquePeers` of `others` to `critiqueItems` items each. The items are drawn from the
 * round's seed for this device. Answers that are not plain are passed over. A `critic` speaks instead of the model.
 */
export async function critiqueOthers(
  speaker: Speaker,
  settings: LearningSettings,
  context: RoundContext,
  others: readonly PeerRollouts[],
  signal?: AbortSignal,
  critic?: Critic,
): Promise<readonly Judgement[]> {
  const items = itemsOf(context, settings);
  const stream = roundStream(context, 'critique');
  const peers = narrowPeers('critique', others, settings.critiquePeers, context);
  const shown = peers.flatMap((peer, index) => {
    const first = plainAnswers(peer, items).filter(({ sample }) => sample === 0);
    return stream
      .sequence(1 + index)
      .shuffle(first)
      .slice(0, settings.critiqueItems);
  });
  const asked = shown.map(({ item, text }, sample) => ({
    prompt: judgePrompt(items[item]?.prompt ?? '', text),
    item,
    sample,
  }));
  const words =
    critic === undefined
      ? (
          await say(speaker, asked, roundStream(context, 'judging'), {
            temperature: settings.temperature,
            signal,
          })
        ).map(({ text }) => text)
      : await critic.sayAbout(
          asked.map(({ prompt }) => prompt),
          signal,
        );
  return shown.map(({ author, item, sample, text }, index) => {
    const said = words[index] ?? '';
    return { item, author, sample, text: said, right: saysRight(said, text) };
  });
}

/**
 * One ballot per item that others answered plainly. The best text is the one with the most approval: +1 for each
 * critic that calls it right, -1 for each that calls it wrong, and the share of the voter's own answers that equal it.
 * Among equal texts, and among the peers that gave the best one, a draw of the voter's decides, so that no address is
 * favoured. Nobody votes for themselves.
 */
export function castBallots(
  settings: LearningSettings,
  context: RoundContext,
  all: readonly PeerRollouts[],
  critiques: readonly PeerJudgements[],
): readonly Ballot[] {
  const items = itemsOf(context, settings);
  const answers = byAuthor(all).flatMap((peer) => plainAnswers(peer, items));
  const approval = approvals(answers, critiques);
  const stream = roundStream(context, 'voting');
  return items.flatMap((_, item) => {
    const own = answers.filter((answer) => answer.item === item && answer.author === context.device);
    const candidates = answers.filter((answer) => answer.item === item && answer.author !== context.device);
    const score = (text: string) =>
      (approval.get(`${item}/${text}`) ?? 0) +
      own.filter((answer) => answer.text === text).length / Math.max(1, own.length);
    const best = Math.max(...candidates.map(({ text }) => score(text)));
    const texts = [...new Set(candidates.map(({ text }) => text))].filter((text) => score(text) === best);
    if (texts.length === 0) return [];
    const draws = stream.sequence(item);
    const text = draws.pick(texts);
    const givers = candidates.filter((answer) => answer.text === text);
    const author = draws.pick([...new Set(givers.map((answer) => answer.author))]);
    const winner = givers.find((answer) => answer.author === author);
    return winner === undefined ? [] : [{ item, author, sample: winner.sample }];
  });
}

/** Approvals less disapprovals of each text, by `item/text`; a critic counts once for each answer, and never its own. */
function approvals(
  answers: readonly Shown[],
  critiques: readonly PeerJudgements[],
): ReadonlyMap<string, number> {
  const texts = new Map(
    answers.map(({ author, item, sample, text }) => [`${author}/${item}/${sample}` as string, text]),
  );
  const sums = new Map<string, number>();
  const counted = new Set<string>();
  for (const { critic, judgements } of critiques) {
    for (const { author, item, sample, right } of judgements.slice(0, MOST_SAMPLES * MOST_SAMPLES)) {
      const answer = `${author}/${item}/${sample}`;
      const text = texts.get(answer);
      const once = `${critic}/${answer}`;
      if (text === undefined || critic === author || counted.has(once)) continue;
      counted.add(once);
      const key = `${item}/${text}`;
      sums.set(key, (sums.get(key) ?? 0) + (right ? 1 : -1));
    }
  }
  return sums;
}

/** The own first answers that critics spoke about, each corrected in view of one critique drawn among them. */
export async function correctOwn(
  speaker: Speaker,
  settings: LearningSettings,
  context: RoundContext,
  all: readonly PeerRollouts[],
  critiques: readonly PeerJudgements[],
  signal?: AbortSignal,
): Promise<readonly Correction[]> {
  const items = itemsOf(context, settings);
  const own = all.find(({ author }) => author === context.device);
  if (own === undefined) return [];
  const stream = roundStream(context, 'critique');
  const asked = plainAnswers(own, items)
    .filter(({ sample }) => sample === 0)
    .flatMap(({ item, text }) => {
      const words = [...critiques]
        .sort((a, b) => (a.critic < b.critic ? -1 : 1))
        .flatMap(({ judgements }) => judgements.slice(0, MOST_SAMPLES * MOST_SAMPLES))
        .filter((said) => said.author === context.device && said.item === item && said.sample === 0)
        .map((said) => said.text)
        .filter(isPlainAnswer);
      if (words.length === 0) return [];
      const critique = stream.sequence(item, 1).pick(words);
      return [{ prompt: correctPrompt(items[item]?.prompt ?? '', text, critique), item, sample: 0 }];
    });
  const corrected = await say(speaker, asked, roundStream(context, 'correcting'), {
    temperature: settings.temperature,
    signal,
  });
  return asked.map(({ item }, index) => ({ item, text: corrected[index]?.text ?? '' }));
}
