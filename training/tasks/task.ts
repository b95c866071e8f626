/**
 * A task asks questions and checks answers. Seed and index decide the question and its answer, so that every
 * device computes every score itself.
 */

/** `training` items may be trained on. `held-out` items are for evaluation only. */
export type Share = 'training' | 'held-out';

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
  /** The task's id. */
  readonly task: string;
  readonly difficulty: number;
  /** 1 for a text with the right answer, and less, down to 0, for any other. Extracts the answer itself. */
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

/** A generator of questions. Its version rises when one of its seeds gives another item than before. */
export interface Task {
  /** Lower-case words, digits and hyphens. */
  readonly id: string;
  readonly version: number;
  /** For people. */
  readonly title: string;
  /** A description of each difficulty for people, easiest first. */
  readonly difficulties: readonly string[];
  /** The item of that seed, index and difficulty. Throws RangeError on an unknown difficulty. */
  sample(options: SampleOptions): TaskItem;
}
