/** The feed of tasks and answers, and how the swarm's events change it. Pure. */

import type { DeviceAddress } from '../../protocol/hex.ts';
import { boundedFeed, clip, LONGEST_TEXT } from './feed-bounds.ts';
import type { FeedAnswer, FeedItem, FeedRound } from './feed-round.ts';
import type { ShownRoundEvent } from './volunteer-events.ts';

type FeedEvent = Extract<
  ShownRoundEvent,
  { readonly kind: 'prompts' | 'answers' | 'explained' | 'critiques' | 'votes' | 'trained' }
>;
type Prompt = Extract<ShownRoundEvent, { readonly kind: 'prompts' }>['prompts'][number];

/** Rounds that the feed holds. */
export const FEED_ROUNDS = 3;

/**
 * A round's items in the order to show them: first those that this device answered, then those that others
 * did, then the rest. Of each kind those that most devices answered come first, so that a person sees the
 * others at work too. Each device answers a part of a round's items.
 */
export function itemsToShow({ items }: FeedRound): readonly FeedItem[] {
  const rank = ({ answers }: FeedItem) => (answers.some(({ own }) => own) ? 0 : answers.length > 0 ? 1 : 2);
  const devices = ({ answers }: FeedItem) => new Set(answers.map(({ author }) => author)).size;
  return [...items].sort((a, b) => rank(a) - rank(b) || devices(b) - devices(a));
}

/**
 * At most `most` of an item's answers, those worth showing: this device's first one, then one of each other
 * device, then what is left. Of each kind those with the most critiques and votes come first.
 */
export function answersToShow({ answers }: FeedItem, most: number): readonly FeedAnswer[] {
  const weight = ({ critiques, votes, sample }: FeedAnswer) =>
    critiques.length * 4 + votes * 3 + (sample === 0 ? 1 : 0);
  const own = answers.find((answer) => answer.own && answer.sample === 0);
  const heaviest = [...answers].sort((a, b) => weight(b) - weight(a));
  const seen = new Set(own === undefined ? [] : [own.author]);
  const ofOthers = heaviest.filter(({ author }) => !seen.has(author) && seen.add(author));
  return [...new Set([...(own === undefined ? [] : [own]), ...ofOthers, ...heaviest])].slice(0, most);
}

/**
 * Applies one event. An event about a round that the feed does not hold changes nothing. The feed stays
 * within the bounds of feed-bounds.ts.
 */
export function reduceFeed(feed: readonly FeedRound[], event: FeedEvent): readonly FeedRound[] {
  switch (event.kind) {
    case 'prompts':
      return boundedFeed(openRound(feed, event.round, event.prompts));
    case 'answers':
      return boundedFeed(
        changeItems(feed, event.round, (item, index) => {
          const group = event.set.groups.find((candidate) => candidate.item === index);
          if (group === undefined || item.answers.some((answer) => answer.author === event.author))
            return item;
          const answers = group.completions.map((completion, sample) => ({
            author: event.author,
            own: event.own,
            sample,
            text: clip(completion.text, LONGEST_TEXT),
            graded: null,
            critiques: [],
            votes: 0,
          }));
          return { ...item, answers: [...item.answers, ...answers] };
        }),
      );
    case 'explained':
      return changeAnswers(feed, event.round, (answer, index) => {
        if (answer.author !== event.author || answer.graded !== null) return answer;
        const found = event.explanations.find(
          ({ item, sample }) => item === index && sample === answer.sample,
        );
        if (found === undefined) return answer;
        const { reward, sentence } = found;
        return { ...answer, graded: { reward, sentence, answer: found.answer } };
      });
    case 'critiques':
      return boundedFeed(
        changeAnswers(feed, event.round, (answer, index) => {
          const judgement = event.judgements.find((candidate) => isAbout(candidate, answer, index));
          if (judgement === undefined || answer.critiques.some(({ critic }) => critic === event.critic))
            return answer;
          const { right } = judgement;
          const critique = { critic: event.critic, text: clip(judgement.text, LONGEST_TEXT), right };
          return { ...answer, critiques: [...answer.critiques, critique] };
        }),
      );
    case 'votes': {
      const counted = changeAnswers(feed, event.round, (answer, index) =>
        event.ballots.some((ballot) => isAbout(ballot, answer, index))
          ? { ...answer, votes: answer.votes + 1 }
          : answer,
      );
      if (!event.own) return counted;
      return boundedFeed(
        changeItems(counted, event.round, (item, index) => {
          const correction = event.corrections.find((candidate) => candidate.item === index);
          return correction === undefined
            ? item
            : { ...item, correction: clip(correction.text, LONGEST_TEXT) };
        }),
      );
    }
    case 'trained': {
      const { foreign, optimizerSteps, meanReward, heldOutAccuracy } = event;
      const lesson = { foreign, optimizerSteps, meanReward, heldOutAccuracy };
      return feed.map((known) => (known.round === event.round ? { ...known, lesson } : known));
    }
  }
}

function isAbout(
  opinion: { readonly item: number; readonly author: DeviceAddress; readonly sample: number },
  answer: FeedAnswer,
  item: number,
): boolean {
  return opinion.item === item && opinion.author === answer.author && opinion.sample === answer.sample;
}

function openRound(
  feed: readonly FeedRound[],
  round: number,
  prompts: readonly Prompt[],
): readonly FeedRound[] {
  if (feed.some((known) => known.round === round)) return feed;
  const opened: FeedRound = {
    round,
    items: prompts.map(({ task, prompt, answer }) => ({
      task,
      prompt: clip(prompt, LONGEST_TEXT),
      answer: clip(answer, LONGEST_TEXT),
      answers: [],
      correction: null,
    })),
    lesson: null,
  };
  return [opened, ...feed].sort((a, b) => b.round - a.round).slice(0, FEED_ROUNDS);
}

function changeItems(
  feed: readonly FeedRound[],
  round: number,
  change: (item: FeedItem, index: number) => FeedItem,
): readonly FeedRound[] {
  return feed.map((known) => (known.round === round ? { ...known, items: known.items.map(change) } : known));
}

function changeAnswers(
  feed: readonly FeedRound[],
  round: number,
  change: (answer: FeedAnswer, item: number) => FeedAnswer,
): readonly FeedRound[] {
  return changeItems(feed, round, (item, index) => ({
    ...item,
    answers: item.answers.map((answer) => change(answer, index)),
  }));
}
