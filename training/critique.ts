/**
 * The critique and vote stages: judging other devices' answers, voting for them, and correcting one's own.
 */

import type { DeviceAddress } from '../protocol/hex.ts';
import { must } from '../protocol/must.ts';
import { byAuthor, narrowPeers } from '../protocol/peer-selection.ts';
import { accountOf } from '../protocol/standing.ts';
import type { Ballot, Correction, Judgement, PeerJudgements, PeerRollouts } from '../protocol/trainer.ts';
import type { Round } from './open-round.ts';
import { approves, correctPrompt, isPlainAnswer, judgePrompt } from './prompts.ts';
import { type Policy, sample } from './sampling.ts';

/** Most completions of one item that are read from one author. */
const MAX_SAMPLES = 64;
/** Most judgements that are read from one critic. */
const MAX_JUDGEMENTS = MAX_SAMPLES * MAX_SAMPLES;

interface ShownAnswer {
  readonly author: DeviceAddress;
  readonly item: number;
  readonly sample: number;
  readonly text: string;
}

/** An author's plain answers to the items that it draws. A repeated item is ignored. */
function plainAnswers(peer: PeerRollouts, round: Round): readonly ShownAnswer[] {
  const drawn = round.drawOf(peer.author);
  const seen = new Set<number>();
  return peer.set.groups.slice(0, drawn.length).flatMap(({ item, completions }) => {
    if (!drawn.includes(item) || seen.has(item)) return [];
    seen.add(item);
    return completions
      .slice(0, MAX_SAMPLES)
      .map(({ text }, sample) => ({ author: peer.author, item, sample, text }))
      .filter(({ text }) => isPlainAnswer(text));
  });
}

/**
 * Writes critiques in place of the model in training: a frozen model, for example, which does not drift with
 * what it judges. Each critique must depend on its prompt only.
 */
export interface Critic {
  /** The critique for each judge prompt, in the order of the prompts. */
  critique(prompts: readonly string[], signal?: AbortSignal): Promise<readonly string[]>;
}

/**
 * Judges the first answers of the first `critiquePeers` of `others` to `critiqueItems` items each. The
 * round's seed decides for this device which items. Answers that are not plain are skipped. A `critic` takes
 * the model's place.
 */
export async function critiqueOthers(
  policy: Policy,
  round: Round,
  others: readonly PeerRollouts[],
  signal?: AbortSignal,
  critic?: Critic,
): Promise<readonly Judgement[]> {
  const { context, items, settings } = round;
  const stream = round.stream('critique');
  const peers = narrowPeers('critique', others, settings.critiquePeers, context.device);
  const shown = peers.flatMap((peer, index) => {
    const first = plainAnswers(peer, round).filter(({ sample }) => sample === 0);
    return stream
      .sequence(1 + index)
      .shuffle(first)
      .slice(0, settings.critiqueItems);
  });
  const requests = shown.map(({ item, text }, sample) => ({
    prompt: judgePrompt(must(items, item).prompt, text),
    item,
    sample,
  }));
  const critiques =
    critic === undefined
      ? (
          await sample(policy, requests, round.stream('judging'), {
            temperature: settings.temperature,
            signal,
          })
        ).map(({ text }) => text)
      : await critic.critique(
          requests.map(({ prompt }) => prompt),
          signal,
        );
  return shown.map(({ author, item, sample, text: answer }, index) => {
    const text = must(critiques, index);
    return { item, author, sample, text, right: approves(text, answer) };
  });
}

/**
 * One ballot for each item that another device answered plainly. The best text is the one with the most
 * approval by critics, plus the share of the voter's own answers that equal it. A random draw of the voter
 * decides between equal texts, and between the peers that gave the best text, so that no address is favoured.
 * No device votes for itself.
 */
export function castBallots(
  round: Round,
  all: readonly PeerRollouts[],
  critiques: readonly PeerJudgements[],
): readonly Ballot[] {
  const { context, items } = round;
  const answers = byAuthor(all).flatMap((peer) => plainAnswers(peer, round));
  const approval = approvals(answers, critiques);
  const stream = round.stream('voting');
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
    const matching = candidates.filter((answer) => answer.text === text);
    const author = draws.pick([...new Set(matching.map((answer) => answer.author))]);
    const winner = matching.find((answer) => answer.author === author);
    return winner === undefined ? [] : [{ item, author, sample: winner.sample }];
  });
}

/**
 * What all critics that the chain does not know say of a text together weighs at most this much. One critic
 * with an owner or a record weighs 1.
 */
const STRANGERS_WEIGHT = 0.5;

/**
 * The approval of each text, by `item/text`: +1 for each account that calls it right more often than wrong,
 * -1 for the opposite, and the mean of all strangers' voices by their weight. All devices of an owner are one
 * account. A critic counts once for each answer, and never for an answer of its own.
 */
function approvals(
  answers: readonly ShownAnswer[],
  critiques: readonly PeerJudgements[],
): ReadonlyMap<string, number> {
  const texts = new Map(
    answers.map(({ author, item, sample, text }) => [`${author}/${item}/${sample}` as string, text]),
  );
  const voices = new Map<string, { readonly accounts: Voices; readonly strangers: Voices }>();
  const counted = new Set<string>();
  for (const { critic, standing, judgements } of critiques) {
    for (const { author, item, sample, right } of judgements.slice(0, MAX_JUDGEMENTS)) {
      const answer = `${author}/${item}/${sample}`;
      const text = texts.get(answer);
      const once = `${critic}/${answer}`;
      if (text === undefined || critic === author || counted.has(once)) continue;
      counted.add(once);
      const key = `${item}/${text}`;
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

/** Approvals minus disapprovals of a text, by account. */
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
  const own = all.find(({ author }) => author === context.device);
  if (own === undefined) return [];
  const stream = round.stream('critique');
  const requests = plainAnswers(own, round)
    .filter(({ sample }) => sample === 0)
    .flatMap(({ item, text }) => {
      const written = [...critiques]
        .sort((a, b) => (a.critic < b.critic ? -1 : 1))
        .flatMap(({ standing, judgements }) =>
          judgements.slice(0, MAX_JUDGEMENTS).map((judgement) => ({ ...judgement, standing })),
        )
        .filter((each) => each.author === context.device && each.item === item && each.sample === 0)
        .filter(({ text }) => isPlainAnswer(text));
      const trusted = written.filter(({ standing }) => standing.kind !== 'unknown');
      const texts = (trusted.length > 0 ? trusted : written).map((each) => each.text);
      if (texts.length === 0) return [];
      const critique = stream.sequence(item, 1).pick(texts);
      return [{ prompt: correctPrompt(must(items, item).prompt, text, critique), item, sample: 0 }];
    });
  const corrected = await sample(policy, requests, round.stream('correcting'), {
    temperature: settings.temperature,
    signal,
  });
  return requests.map(({ item }, index) => ({ item, text: must(corrected, index).text }));
}
