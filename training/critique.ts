/**
 * The critique and vote stages: judging other devices' answers, voting for them, and correcting one's own.
 */

import type { DeviceAddress } from '../protocol/hex.ts';
import { must } from '../protocol/must.ts';
import { byAuthor, narrowPeers } from '../protocol/peer-selection.ts';
import { accountOf } from '../protocol/standing.ts';
import type { Ballot, Correction, Judgement, PeerJudgements, PeerRollouts } from '../protocol/trainer.ts';
import type { LearningSettings } from './learning-settings.ts';
import type { Round } from './open-round.ts';
import type { Policy } from './policy-model.ts';
import type { PromptFormat } from './prompt-format.ts';
import { promptOrNothing } from './prompting.ts';
import { sample } from './sampling.ts';
import type { TaskItem } from './tasks/task.ts';

/** Most completions of one item that are read from one author. */
const MAX_SAMPLES = 64;

/** Most bytes of a critique and of a correction in a message (docs/protocol.md). */
const MAX_CRITIQUE_BYTES = 512;
const MAX_CORRECTION_BYTES = 1024;

interface ShownAnswer {
  readonly author: DeviceAddress;
  readonly item: number;
  readonly sample: number;
  readonly text: string;
  /** The answer that the text ends with, without the reasoning before it. */
  readonly answer: string;
}

/**
 * True when a critique calls the shown answer right, which it does by restating it. Only the answers that the
 * two texts end with are compared, so that they may reason differently. A critique without an answer approves
 * of nothing.
 */
export function approves(item: TaskItem, critique: string, shown: string): boolean {
  const stated = item.answerIn(critique);
  return stated !== '' && stated === item.answerIn(shown);
}

/** An author's showable answers to the items that it draws. A repeated item is ignored. */
function showableAnswers(peer: PeerRollouts, round: Round, format: PromptFormat): readonly ShownAnswer[] {
  const drawn = round.drawOf(peer.author);
  const seen = new Set<number>();
  return peer.set.groups.slice(0, drawn.length).flatMap(({ item, completions }) => {
    if (!drawn.includes(item) || seen.has(item)) return [];
    seen.add(item);
    const asked = must(round.items, item);
    return completions
      .slice(0, MAX_SAMPLES)
      .flatMap(({ text }, sample) =>
        format.showable(text)
          ? [{ author: peer.author, item, sample, text, answer: asked.answerIn(text) }]
          : [],
      );
  });
}

/**
 * Writes critiques in place of the model in training: a frozen model, for example, which does not drift with
 * what it judges. Each critique must depend on its question only.
 */
export interface Critic {
  /** The critique of each shown answer, in their order. */
  critique(questions: readonly JudgeQuestion[], signal?: AbortSignal): Promise<readonly string[]>;
}

/** An item with a showable answer to judge. */
export interface JudgeQuestion {
  readonly item: TaskItem;
  readonly shown: string;
}

/**
 * Judges the first answers of the first `critiquePeers` of `others` to `critiqueItems` items each. The
 * round's seed decides for this device which items. Answers that are not showable are skipped. A `critic`
 * takes the model's place.
 */
export async function critiqueOthers(
  policy: Policy,
  round: Round,
  others: readonly PeerRollouts[],
  signal?: AbortSignal,
  critic?: Critic,
): Promise<readonly Judgement[]> {
  const { context, items, settings } = round;
  const { format } = policy;
  const stream = round.stream('critique');
  const peers = narrowPeers('critique', others, settings.critiquePeers, context.device);
  const shown = peers.flatMap((peer, index) => {
    const first = showableAnswers(peer, round, format).filter(({ sample }) => sample === 0);
    return stream
      .sequence(1 + index)
      .shuffle(first)
      .slice(0, settings.critiqueItems);
  });
  if (critic !== undefined) {
    const questions = shown.map(({ item, text }) => ({ item: must(items, item), shown: text }));
    const texts = await critic.critique(questions, signal);
    return shown.map((answer, index) => judgementOf(round, answer, must(texts, index)));
  }
  const maxTokens = format.maxTokens.judge;
  const asked = shown.flatMap((answer, at) => {
    const prompt = promptOrNothing({ context: policy.model.config.context, maxTokens }, () =>
      format.judge(must(items, answer.item), answer.text),
    );
    return prompt === undefined ? [] : [{ answer, request: { prompt, item: answer.item, sample: at } }];
  });
  const critiques = await sample(
    policy,
    asked.map(({ request }) => request),
    round.stream('judging'),
    { temperature: settings.temperature, maxTokens, signal },
  );
  return asked.map(({ answer }, index) => judgementOf(round, answer, must(critiques, index).text));
}

function judgementOf(
  round: Round,
  { author, item, sample, text: shown }: ShownAnswer,
  said: string,
): Judgement {
  const right = approves(must(round.items, item), said, shown);
  return { item, author, sample, text: lastBytes(said, MAX_CRITIQUE_BYTES), right };
}

/** The end of a text, where its answer stands, in at most `limit` bytes of UTF-8. */
function lastBytes(text: string, limit: number): string {
  let bytes = 0;
  const kept: string[] = [];
  for (const character of [...text].reverse()) {
    bytes += new TextEncoder().encode(character).length;
    if (bytes > limit) break;
    kept.push(character);
  }
  return kept.reverse().join('');
}

/**
 * One ballot for each item that another device answered in a showable text. The best answer is the one with
 * the most approval by critics, plus the share of the voter's own answers that equal it. Texts that reason
 * differently and end with the same answer count as one. A random draw of the voter decides between equal
 * answers, and between the peers that gave the best one, so that no address is favoured. No device votes for
 * itself.
 */
export function castBallots(
  format: PromptFormat,
  round: Round,
  all: readonly PeerRollouts[],
  critiques: readonly PeerJudgements[],
): readonly Ballot[] {
  const { context, items } = round;
  const answers = byAuthor(all).flatMap((peer) => showableAnswers(peer, round, format));
  const approval = approvals(
    answers,
    critiques.map((each) => counted(each, round.settings)),
  );
  const stream = round.stream('voting');
  return items.flatMap((_, item) => {
    const own = answers.filter((answer) => answer.item === item && answer.author === context.device);
    const candidates = answers.filter(
      (each) => each.item === item && each.author !== context.device && each.answer !== '',
    );
    const score = (answer: string) =>
      (approval.get(`${item}/${answer}`) ?? 0) +
      own.filter((each) => each.answer === answer).length / Math.max(1, own.length);
    const best = Math.max(...candidates.map(({ answer }) => score(answer)));
    const tied = [...new Set(candidates.map(({ answer }) => answer))].filter((each) => score(each) === best);
    if (tied.length === 0) return [];
    const draws = stream.sequence(item);
    const answer = draws.pick(tied);
    const matching = candidates.filter((each) => each.answer === answer);
    const author = draws.pick([...new Set(matching.map((each) => each.author))]);
    const winner = matching.find((each) => each.author === author);
    return winner === undefined ? [] : [{ item, author, sample: winner.sample }];
  });
}

/**
 * The judgements of a critic that count: the first ones, of as many peers and answers as a device judges.
 * Whoever judges more would decide more votes than the others.
 */
function counted(
  critique: PeerJudgements,
  { critiquePeers, critiqueItems }: Pick<LearningSettings, 'critiquePeers' | 'critiqueItems'>,
): PeerJudgements {
  const ofPeers = new Map<DeviceAddress, number>();
  const judgements = critique.judgements.filter(({ author }) => {
    const before = ofPeers.get(author);
    if (before === undefined ? ofPeers.size >= critiquePeers : before >= critiqueItems) return false;
    ofPeers.set(author, (before ?? 0) + 1);
    return true;
  });
  return { ...critique, judgements };
}

/**
 * What all critics that the chain does not know say of an answer together weighs at most this much. One
 * critic with an owner or a record weighs 1.
 */
const STRANGERS_WEIGHT = 0.5;

/**
 * The approval of each answer, by `item/answer`: +1 for each account that calls it right more often than
 * wrong,
 * -1 for the opposite, and the mean of all strangers' voices by their weight. All devices of an owner are one
 * account. A critic counts once for each answer, and never for an answer of its own.
 */
function approvals(
  answers: readonly ShownAnswer[],
  critiques: readonly PeerJudgements[],
): ReadonlyMap<string, number> {
  const judged = new Map(
    answers.map(({ author, item, sample, answer }) => [`${author}/${item}/${sample}` as string, answer]),
  );
  const voices = new Map<string, { readonly accounts: Voices; readonly strangers: Voices }>();
  const seen = new Set<string>();
  for (const { critic, standing, judgements } of critiques) {
    for (const { author, item, sample, right } of judgements) {
      const place = `${author}/${item}/${sample}`;
      const answer = judged.get(place);
      const once = `${critic}/${place}`;
      if (answer === undefined || critic === author || seen.has(once)) continue;
      seen.add(once);
      const key = `${item}/${answer}`;
      const heard = voices.get(key) ?? { accounts: new Map(), strangers: new Map() };
      voices.set(key, heard);
      const group = standing.kind === 'unknown' ? heard.strangers : heard.accounts;
      const account = accountOf(critic, standing);
      group.set(account, (group.get(account) ?? 0) + (right ? 1 : -1));
    }
  }
  return new Map(
    [...voices].map(([key, { accounts, strangers }]) => [
      key,
      sumOfSigns(accounts) + (STRANGERS_WEIGHT * sumOfSigns(strangers)) / Math.max(1, strangers.size),
    ]),
  );
}

/** Approvals minus disapprovals of an answer, by account. */
type Voices = Map<string, number>;

function sumOfSigns(voices: Voices): number {
  return [...voices.values()].reduce((sum, voice) => sum + Math.sign(voice), 0);
}

/**
 * Corrects those of the device's first answers that were criticised, each in view of one randomly drawn
 * critique. Strangers' critiques count only where nobody else wrote one.
 */
export async function correctOwn(
  policy: Policy,
  round: Round,
  all: readonly PeerRollouts[],
  critiques: readonly PeerJudgements[],
  signal?: AbortSignal,
): Promise<readonly Correction[]> {
  const { context, items, settings } = round;
  const { format } = policy;
  const maxTokens = format.maxTokens.correct;
  const own = all.find(({ author }) => author === context.device);
  if (own === undefined) return [];
  const stream = round.stream('critique');
  const requests = showableAnswers(own, round, format)
    .filter(({ sample }) => sample === 0)
    .flatMap(({ item, text }) => {
      const written = [...critiques]
        .sort((a, b) => (a.critic < b.critic ? -1 : 1))
        .map((each) => counted(each, settings))
        .flatMap(({ standing, judgements }) => judgements.map((judgement) => ({ ...judgement, standing })))
        .filter((each) => each.author === context.device && each.item === item && each.sample === 0)
        .filter(({ text }) => format.showable(text));
      const trusted = written.filter(({ standing }) => standing.kind !== 'unknown');
      const texts = (trusted.length > 0 ? trusted : written).map((each) => each.text);
      if (texts.length === 0) return [];
      const critique = stream.sequence(item, 1).pick(texts);
      const prompt = promptOrNothing({ context: policy.model.config.context, maxTokens }, () =>
        format.correct(must(items, item), text, critique),
      );
      return prompt === undefined ? [] : [{ prompt, item, sample: 0 }];
    });
  const corrected = await sample(policy, requests, round.stream('correcting'), {
    temperature: settings.temperature,
    maxTokens,
    signal,
  });
  return requests.map(({ item }, index) => ({
    item,
    text: lastBytes(must(corrected, index).text, MAX_CORRECTION_BYTES),
  }));
}
