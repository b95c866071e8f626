/**
 * How the micro model is taught: the three prompt forms in words, on training questions of the catalogue.
 * Training stops early, so that reinforcement learning has something left to improve.
 */
import type { DecoderConfig } from '../models/decoder/config.ts';
import { Tokenizer } from '../models/tokenizer/tokenizer.ts';
import { wordTokenizerJson } from '../models/tokenizer/word-vocabulary.ts';
import { must } from '../protocol/must.ts';
import { type DrawSequence, RandomStream } from '../protocol/philox.ts';
import { mistake } from './mistakes.ts';
import type { PromptFormat } from './prompt-format.ts';
import type { Row } from './sequences.ts';
import type { SupervisedPlan } from './supervised-run.ts';
import type { Task, TaskItem } from './tasks/task.ts';
import { wordsFormat, workedAnswer, workedCritique } from './words-format.ts';

/** Difficulties of one task that are taught. A difficulty that is listed twice comes twice as often. */
export interface Lesson {
  readonly task: Task;
  readonly difficulties: readonly number[];
  /** How often the task comes, relative to the others. */
  readonly weight: number;
}

/** With the code and the lessons, this decides the result. */
export interface MicroRecipe {
  readonly seed: string;
  readonly config: DecoderConfig;
  readonly steps: number;
  readonly batch: number;
  /** The peak learning rate. It is reached after `warmup` steps and kept until the last `decay` steps. */
  readonly learningRate: number;
  readonly warmup: number;
  /** Last steps, in which the learning rate falls linearly to a twentieth. */
  readonly decay: number;
  /** Standard deviation of an initial matrix. */
  readonly deviation: number;
}

/** Shares of the answer and judge forms. The correct form has the rest. */
const ANSWERING = 0.65;
const JUDGING = 0.2;
/** Batches whose rows are drawn together and sorted by length, so that a batch has little padding. */
const SORTED_BATCHES = 8;
/** Draws of another question of the task, before a wrong answer is made from the right one instead. */
const OTHER_ANSWERS = 4;

/** The micro model's tokenizer, which its folder has as tokenizer.json. */
export function microTokenizer(): Tokenizer {
  return new Tokenizer(wordTokenizerJson());
}

function learningRateAt(recipe: MicroRecipe, step: number): number {
  const rising = Math.min(1, (step + 1) / recipe.warmup);
  const left = Math.min(1, (recipe.steps - step) / recipe.decay);
  return recipe.learningRate * rising * (0.05 + 0.95 * left);
}

/** An answer that might be given by mistake: that of another question of the task, or one with a slip. */
function wrongAnswer(task: Task, item: TaskItem, seed: Uint8Array, draws: DrawSequence): string {
  if (draws.uniform() < 0.5) {
    for (let attempt = 0; attempt < OTHER_ANSWERS; attempt++) {
      const other = task.sample({ seed, index: draws.word(), difficulty: item.difficulty });
      if (item.check(other.answer) < 1) return other.answer;
    }
  }
  for (let attempt = 0; attempt < OTHER_ANSWERS; attempt++) {
    const text = mistake(item.answer, draws);
    // The extraction rule may read the right answer out of it, as in `07` for 7.
    if (item.check(text) < 1) return text;
  }
  return item.answer;
}

/** One example of a lesson. It comes from a training question, never from a held-out one. */
export function microExample(options: {
  readonly format: PromptFormat;
  readonly lessons: readonly Lesson[];
  readonly seed: Uint8Array;
  readonly index: number;
  readonly draws: DrawSequence;
}): Row {
  const { format, lessons, seed, index, draws } = options;
  const lesson = drawLesson(lessons, draws);
  const { task } = lesson;
  const item = task.sample({ seed, index, difficulty: draws.pick(lesson.difficulties) });
  const form = draws.uniform();
  const complete = (text: string) => [...format.encode(text), format.endToken];
  if (form < ANSWERING) return { prompt: format.answer(item), completion: complete(workedAnswer(item)) };
  const shown = draws.uniform() < 0.5 ? item.answer : wrongAnswer(task, item, seed, draws);
  if (form < ANSWERING + JUDGING) {
    return { prompt: format.judge(item, shown), completion: complete(workedCritique(item, shown)) };
  }
  // The critique is often wrong, because a corrector that only repeats it would learn nothing.
  const critique = draws.uniform() < 0.6 ? item.answer : wrongAnswer(task, item, seed, draws);
  return { prompt: format.correct(item, shown, critique), completion: complete(workedAnswer(item)) };
}

function drawLesson(lessons: readonly Lesson[], draws: DrawSequence): Lesson {
  const total = lessons.reduce((sum, { weight }) => sum + weight, 0);
  let left = draws.uniform() * total;
  for (const lesson of lessons) {
    left -= lesson.weight;
    if (left < 0) return lesson;
  }
  return must(lessons, lessons.length - 1);
}

/**
 * Names everything but the code that decides the first `step` steps of a run. The number of all steps counts
 * from where the learning rate begins to fall: until then, a run may be made longer or shorter.
 */
export function microIdentity(recipe: MicroRecipe, lessons: readonly Lesson[], step: number): string {
  const { steps, decay, ...rest } = recipe;
  return JSON.stringify({
    ...rest,
    ...(step - 1 > steps - decay ? { steps, decay } : {}),
    lessons: lessons.map(({ task, difficulties, weight }) => [task.id, task.version, difficulties, weight]),
    tokenizer: wordTokenizerJson(),
  });
}

/** The plan that makes a micro model by a recipe. */
export function microPlan(recipe: MicroRecipe, lessons: readonly Lesson[]): SupervisedPlan {
  const { batch } = recipe;
  const format = wordsFormat(microTokenizer());
  const seed = new TextEncoder().encode(recipe.seed);
  const examples = RandomStream.named({ seed, round: 0, device: '', purpose: 'pretraining' });
  let drawn: { readonly group: number; readonly batches: readonly (readonly Row[])[] } | undefined;
  const drawGroup = (group: number) => {
    const rows = Array.from({ length: batch * SORTED_BATCHES }, (_, row) => {
      const index = group * batch * SORTED_BATCHES + row;
      return microExample({ format, lessons, seed, index, draws: examples.sequence(index) });
    });
    const size = ({ prompt, completion }: Row) => prompt.length + completion.length;
    rows.sort((a, b) => size(a) - size(b));
    const batches = Array.from({ length: SORTED_BATCHES }, (_, at) =>
      rows.slice(at * batch, (at + 1) * batch),
    );
    return { group, batches: examples.sequence(group, 1).shuffle(batches) };
  };
  return {
    config: recipe.config,
    seed: recipe.seed,
    steps: recipe.steps,
    deviation: recipe.deviation,
    learningRateAt: (step) => learningRateAt(recipe, step),
    rowsAt(step) {
      const group = Math.floor(step / SORTED_BATCHES);
      if (drawn?.group !== group) drawn = drawGroup(group);
      return must(drawn.batches, step % SORTED_BATCHES);
    },
  };
}
