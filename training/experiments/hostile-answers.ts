/** What hostile members of a swarm publish. All of it passes admission, or is meant to be refused by it. */
import { canon } from '../../compute/repops/arithmetic.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import type { AnswerGroup, Completion, PeerRollouts } from '../../protocol/trainer.ts';
import type { Round } from '../open-round.ts';
import type { PromptFormat } from '../prompt-format.ts';
import type { TaskItem } from '../tasks/task.ts';

/** The attacks, and what each hostile member publishes for the items that it draws. */
export const ATTACKS = {
  wrong: 'the right answer with two characters exchanged, so that it is wrong',
  degenerate: 'one letter, repeated',
  copied: 'word for word what an honest member publishes for the items that both draw, and nothing else',
  certain: 'four right answers and four wrong ones, said to have been certain',
  'one task': 'the same, for items of one task only',
  adapted:
    'the same, with the log-probabilities of an honest member’s weights, where these find every token likely',
  silent:
    'four right answers and four wrong ones, said to have been most unlikely, so that they teach nothing',
} as const;
export type Attack = keyof typeof ATTACKS;

/** The lowest log-probability that is admitted. */
const LOWEST = -20;
/** Right answers among those to one item: half of eight move the weights most. */
const RIGHT = 4;
/** The floor that an adapting member stays above, in nats: that of the default settings. */
const FLOOR = -3;

export interface HostileOptions {
  readonly attack: Attack;
  readonly author: DeviceAddress;
  readonly round: Round;
  readonly format: PromptFormat;
  /** What an honest member publishes in the round. A real copier would have to know it before the commits. */
  readonly victim: PeerRollouts;
  /** For `adapted`: the log-probabilities of the right answers' tokens by that member's weights, by item. */
  readonly likelihoods?: ReadonlyMap<number, readonly number[]>;
}

/** The items that a hostile member answers. */
export function attackedItems({
  attack,
  author,
  round,
}: Pick<HostileOptions, 'attack' | 'author' | 'round'>): readonly number[] {
  const drawn = round.drawOf(author);
  if (attack !== 'one task' && attack !== 'adapted') return drawn;
  const tasks = [...new Set(round.items.map(({ task }) => task))].sort();
  return drawn.filter((item) => must(round.items, item).task === must(tasks, 0));
}

/** The tokens of an item's right answer. */
export function rightTokens(format: PromptFormat, { answer }: TaskItem): readonly number[] {
  return [...format.encode(answer), format.endToken];
}

/** The answers of a hostile member to the items that it draws. */
export function hostileAnswers(options: HostileOptions): readonly AnswerGroup[] {
  const { attack, round, victim, likelihoods } = options;
  const items = attackedItems(options);
  if (attack === 'copied') return victim.set.groups.filter(({ item }) => items.includes(item));
  const isLikely = (item: number) => likelihoods?.get(item)?.every((each) => each >= FLOOR) === true;
  return items
    .filter((item) => attack !== 'adapted' || isLikely(item))
    .map((item) => ({
      item,
      completions: Array.from({ length: round.settings.samplesPerItem }, (_, sample) =>
        completion(options, item, sample),
      ),
    }));
}

function completion(
  { attack, format, round, likelihoods }: HostileOptions,
  item: number,
  sample: number,
): Completion {
  const asked = must(round.items, item);
  const saying = (text: string, logprob: number): Completion => {
    const tokens = [...format.encode(text), format.endToken];
    return { text, tokens, logprobs: tokens.map(() => canon(logprob)) };
  };
  const half = (logprob: number) => saying(sample < RIGHT ? asked.answer : exchanged(asked.answer), logprob);
  switch (attack) {
    case 'degenerate':
      return saying('a'.repeat(Math.min(6, format.maxTokens.answer - 1)), 0);
    case 'certain':
    case 'one task':
      return half(0);
    case 'adapted': {
      const logprobs = sample < RIGHT ? likelihoods?.get(item) : undefined;
      return logprobs === undefined ? half(-1) : { ...half(-1), logprobs };
    }
    case 'silent':
      return half(LOWEST);
    default:
      return saying(exchanged(asked.answer), 0);
  }
}

/** The text with its first two different neighbours exchanged; doubled where it has none. */
function exchanged(text: string): string {
  const letters = [...text];
  const at = letters.findIndex((letter, index) => index > 0 && letter !== letters[index - 1]);
  if (at < 0) return text + text;
  [letters[at - 1], letters[at]] = [must(letters, at), must(letters, at - 1)];
  return letters.join('');
}
