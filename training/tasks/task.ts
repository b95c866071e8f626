/**
 * A task generates questions and checks answers. Seed and index decide the question and its answer, so that
 * every device computes every score itself.
 */
import { type DrawSequence, RandomStream } from '../../protocol/philox.ts';

export type TaskName =
  | 'sums'
  | 'sorting'
  | 'gcd'
  | 'reversing'
  | 'rotating'
  | 'shifting'
  | 'swapping'
  | 'complementing';

/** `training` items may be trained on. `held-out` items are for evaluation only. */
export type Share = 'training' | 'held-out';

/** Most characters of a question. Prompt forms with question and answers must fit the model's context. */
export const MAX_PROMPT_LENGTH = 20;
/** Most characters of an answer. */
export const MAX_ANSWER_LENGTH = 8;

export interface Question {
  readonly prompt: string;
  readonly answer: string;
  /**
   * Equal for two forms of one question: `3+4` and `4+3` share an identity, and so do two orders of the same
   * digits to sort. It decides the share, so that no variant of a held-out question is ever trained on.
   */
  readonly identity: string;
}

export interface TaskItem extends Question {
  readonly task: TaskName;
  readonly difficulty: number;
  /** 1 for the right answer, and less, down to 0, for any other text. */
  check(text: string): number;
  /** The answer that a model's text ends with. What the extraction rule of the task leaves of the text. */
  answerIn(text: string): string;
  /** Why the text has its score, in a sentence for people. */
  explain(text: string): string;
  /** The solution step by step, ending with the answer, where the task knows one. */
  readonly solution?: string;
  /**
   * 1 or 0 for each character of the text, and a last one for its length. Undefined when only the whole
   * answer counts.
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
  /** Defaults to `training`. */
  readonly share?: Share;
}

export interface Task {
  readonly name: TaskName;
  /** A description of each difficulty for people, easiest first. */
  readonly difficulties: readonly string[];
  /** The item of that seed, index and difficulty. Throws RangeError on an unknown difficulty. */
  sample(options: SampleOptions): TaskItem;
}

/** The part of a task that differs between tasks. `defineTask` adds the held-out split and the checker. */
export interface TaskRecipe {
  readonly name: TaskName;
  readonly difficulties: readonly string[];
  draw(draws: DrawSequence, difficulty: number): Question;
  /** True when each character counts by itself: a wrong text then earns up to a half for its right places. */
  readonly byPlace?: boolean;
}

/** One in this many identities is held out. */
const HELD_OUT_ONE_IN = 8;

/** A 32-bit hash of a text: FNV-1a, then the finaliser of MurmurHash3 (both in the public domain). */
function identityHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The share that a question of that task and identity belongs to. It never changes. */
export function shareOf(task: TaskName, identity: string): Share {
  return identityHash(`${task}/${identity}`) % HELD_OUT_ONE_IN === 0 ? 'held-out' : 'training';
}

/**
 * 1 for the answer. By place, another text of the same length earns half the share of its right characters.
 */
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

/** More draws than any seed needs: each misses with a probability of at most 7/8, and (7/8)^1000 < 10^-57. */
const MAX_ATTEMPTS = 1000;

/**
 * Makes a task from a recipe. It draws until a question falls in the wanted share, and checks by exact text.
 */
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
          answerIn: (text) => text,
          explain: (text) =>
            text === question.answer ? 'The answer is right.' : `The right answer is ${question.answer}.`,
          credits: (text) => (recipe.byPlace ? creditsByPlace(text, question.answer) : undefined),
        };
      }
      throw new RangeError(
        `${recipe.name} at difficulty ${difficulty} has no ${share} question: widen its range.`,
      );
    },
  };
}
