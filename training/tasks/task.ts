/**
 * A task is a generator of questions with a checker. Everyone who knows the seed and the index knows the question and
 * its answer, so that nobody's word about a score is needed.
 */
import { type DrawSequence, RandomStream } from '../../protocol/philox.ts';

export type TaskName = 'sums' | 'sorting' | 'gcd' | 'reversing';

/** `training` items may be trained on; `held-out` items are for measuring alone. */
export type Share = 'training' | 'held-out';

/** The longest prompt and answer that any task may give, in characters. Forms of both must fit the model's context. */
export const MAX_PROMPT_LENGTH = 20;
export const MAX_ANSWER_LENGTH = 8;

export interface Question {
  readonly prompt: string;
  readonly answer: string;
  /**
   * What makes two questions the same one: `3+4` and `4+3` have one identity, and so do two orders of the same digits
   * to sort. The held-out share is chosen by it, so that no twin of a held-out question is ever trained on.
   */
  readonly identity: string;
}

export interface TaskItem extends Question {
  readonly task: TaskName;
  readonly difficulty: number;
  /** 1 for the right answer alone; less, down to 0, for any other text. */
  check(text: string): number;
  /**
   * Where each place is worth something by itself: 1 or 0 for each character of the text, then for ending where it
   * does. Undefined where only the whole counts.
   */
  credits(text: string): readonly number[] | undefined;
}

export interface SampleOptions {
  /** 1 to 64 bytes. */
  readonly seed: Uint8Array;
  /** 0 .. 2^32 - 1. */
  readonly index: number;
  /** Index into `difficulties`. */
  readonly difficulty: number;
  /** `training` unless told. */
  readonly share?: Share;
}

export interface Task {
  readonly name: TaskName;
  /** What each difficulty asks, for people, easiest first. */
  readonly difficulties: readonly string[];
  /** The item of that seed, index and difficulty; the same for everyone. Throws RangeError on an unknown difficulty. */
  sample(options: SampleOptions): TaskItem;
}

/** What a new task has to say; `defineTask` adds the held-out split and the checker. */
export interface TaskRecipe {
  readonly name: TaskName;
  readonly difficulties: readonly string[];
  draw(draws: DrawSequence, difficulty: number): Question;
  /** True when each character is worth something by itself: a wrong text then earns up to a half by its right places. */
  readonly byPlace?: boolean;
}

/** One in this many identities is held out. */
export const HELD_OUT_ONE_IN = 8;

/** 32 well-mixed bits of a text: FNV-1a, then the finaliser of MurmurHash3 (both in the public domain). */
export function identityHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The share that a question of that task and identity belongs to, forever. */
export function shareOf(task: TaskName, identity: string): Share {
  return identityHash(`${task}/${identity}`) % HELD_OUT_ONE_IN === 0 ? 'held-out' : 'training';
}

/** 1 for the answer; by place, a text of the same length earns half the share of its characters that are right. */
function score(text: string, answer: string, byPlace: boolean): number {
  if (text === answer) return 1;
  if (!byPlace || text.length !== answer.length) return 0;
  let right = 0;
  for (let place = 0; place < answer.length; place++) {
    if (text.charAt(place) === answer.charAt(place)) right += 1;
  }
  return right / (2 * answer.length);
}

function creditsByPlace(text: string, answer: string): readonly number[] {
  const places = [...text].map((character, place): number => (character === answer.charAt(place) ? 1 : 0));
  return [...places, text.length === answer.length ? 1 : 0];
}

/** More draws than any seed needs: the chance of a miss at each is at most 7/8, and (7/8)^1000 < 10^-57. */
const MAX_ATTEMPTS = 1000;

/** Makes a task of a recipe: draws until a question falls in the wanted share, and checks by exact text. */
export function defineTask(recipe: TaskRecipe): Task {
  return {
    name: recipe.name,
    difficulties: recipe.difficulties,
    sample({ seed, index, difficulty, share = 'training' }) {
      if (recipe.difficulties[difficulty] === undefined) {
        throw new RangeError(
          `${recipe.name} has difficulties 0 to ${recipe.difficulties.length - 1}, not ${difficulty}.`,
        );
      }
      const stream = RandomStream.named({ seed, round: difficulty, device: recipe.name, purpose: 'items' });
      const draws = stream.sequence(index, share === 'training' ? 0 : 1);
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const question = recipe.draw(draws, difficulty);
        if (shareOf(recipe.name, question.identity) !== share) continue;
        return {
          ...question,
          task: recipe.name,
          difficulty,
          check: (text) => score(text, question.answer, recipe.byPlace ?? false),
          credits: (text) => (recipe.byPlace ? creditsByPlace(text, question.answer) : undefined),
        };
      }
      throw new RangeError(
        `${recipe.name} at difficulty ${difficulty} has no ${share} question: widen its range.`,
      );
    },
  };
}
