/** How a generator draws a question of the wanted share. */
import { type DrawSequence, RandomStream } from '../../protocol/philox.ts';
import { shareOf } from './held-out-split.ts';
import type { Question, SampleOptions } from './task.ts';

/** More draws than any seed needs: each misses with a probability of at most 7/8, and (7/8)^1000 < 10^-57. */
const MAX_ATTEMPTS = 1000;

/** What a generator is, besides how it checks answers. */
export interface QuestionSource<Q extends Question> {
  readonly id: string;
  readonly difficulties: readonly string[];
  draw(draws: DrawSequence, difficulty: number): Q;
}

/**
 * Draws until a question falls in the wanted share. Throws RangeError on an unknown difficulty, and when the
 * generator has no question in that share.
 */
export function drawQuestion<Q extends Question>(source: QuestionSource<Q>, options: SampleOptions): Q {
  const { seed, index, difficulty, share = 'training' } = options;
  if (source.difficulties[difficulty] === undefined) {
    throw new RangeError(
      `${source.id} has difficulties 0 to ${source.difficulties.length - 1}, not ${difficulty}.`,
    );
  }
  const stream = RandomStream.named({ seed, round: difficulty, device: source.id, purpose: 'items' });
  const draws = stream.sequence(index, share === 'training' ? 0 : 1);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const question = source.draw(draws, difficulty);
    if (shareOf(source.id, question.identity) === share) return question;
  }
  throw new RangeError(`${source.id} at difficulty ${difficulty} has no ${share} question: widen its range.`);
}
