/** Keeps the feed small, however long the answers of a swarm are. Pure. */
import type { FeedRound } from './feed-round.ts';

/** Longest text that the feed keeps whole, in UTF-16 code units: about 1,500 tokens of English. */
export const LONGEST_TEXT = 8_000;
/** All texts of the feed together, in UTF-16 code units: 4 MB of memory. */
export const FEED_CHARACTERS = 2_000_000;
/** Texts are cut to this length in a round that would not fit otherwise. */
const SHORT_TEXT = 240;
/** Answers that are kept of one item in a round that does not fit even with short texts. */
const FEW_ANSWERS = 16;

/** The text, or its beginning with an ellipsis. */
export function clip(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}

/**
 * The feed within FEED_CHARACTERS. Older rounds go first. If the newest round alone is too long, its texts
 * are cut, others' before the own ones, and then its answers.
 */
export function boundedFeed(feed: readonly FeedRound[]): readonly FeedRound[] {
  if (charactersOf(feed) <= FEED_CHARACTERS) return feed;
  const [newest] = feed;
  if (newest === undefined) return feed;
  if (feed.length > 1) return boundedFeed(feed.slice(0, -1));
  for (const shorten of [shortForeign, shortAll, fewAnswers]) {
    const shortened = [shorten(newest)];
    if (charactersOf(shortened) <= FEED_CHARACTERS) return shortened;
  }
  return [{ ...newest, items: newest.items.map((item) => ({ ...item, answers: [] })) }];
}

/** UTF-16 code units of everything that others wrote, and of the own texts. */
export function charactersOf(feed: readonly FeedRound[]): number {
  let count = 0;
  for (const { items } of feed) {
    for (const { prompt, answer, answers, correction } of items) {
      count += prompt.length + answer.length + (correction?.length ?? 0);
      for (const { text, graded, critiques } of answers) {
        count += text.length + (graded === null ? 0 : graded.answer.length + graded.sentence.length);
        for (const critique of critiques) count += critique.text.length;
      }
    }
  }
  return count;
}

function shortTexts(round: FeedRound, ownToo: boolean): FeedRound {
  return {
    ...round,
    items: round.items.map((item) => ({
      ...item,
      answers: item.answers.map((answer) => ({
        ...answer,
        text: answer.own && !ownToo ? answer.text : clip(answer.text, SHORT_TEXT),
        critiques: answer.critiques.map((each) => ({ ...each, text: clip(each.text, SHORT_TEXT) })),
      })),
    })),
  };
}

const shortForeign = (round: FeedRound) => shortTexts(round, false);
const shortAll = (round: FeedRound) => shortTexts(round, true);

function fewAnswers(round: FeedRound): FeedRound {
  const short = shortAll(round);
  return {
    ...short,
    items: short.items.map((item) => ({
      ...item,
      answers: [...item.answers].sort((a, b) => Number(b.own) - Number(a.own)).slice(0, FEW_ANSWERS),
    })),
  };
}
