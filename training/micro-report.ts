/** How well a model of the words format answers, judges and corrects, task by task, on held-out questions. */
import type { Engine } from '../compute/engines/engine.ts';
import { loadModel, type ModelFiles } from '../models/decoder/load.ts';
import { ModelSession } from '../models/decoder/model-session.ts';
import { must } from '../protocol/must.ts';
import { RandomStream } from '../protocol/philox.ts';
import type { Lesson } from './micro-pretraining.ts';
import { mistake } from './mistakes.ts';
import type { PromptFormat } from './prompt-format.ts';
import type { TaskItem } from './tasks/task.ts';
import { wordsFormat } from './words-format.ts';

const SEED = new TextEncoder().encode('starling micro report, first edition');
const TRIES = 8;
/** Rows that decode together: more would need much memory for little speed. */
const ROWS = 64;

/** Shares from 0 to 1 of one task. */
export interface TaskReport {
  readonly task: string;
  readonly difficulty: number;
  /** Right most likely answers. */
  readonly greedy: number;
  /** Right answers sampled at temperature 1. */
  readonly sampled: number;
  /** Questions with a right answer among 8 sampled ones. */
  readonly passAt8: number;
  /** Right verdicts on shown answers, half of them wrong. */
  readonly judged: number;
  /** Answers that are right after the model's own critique and correction, where the shown one was wrong. */
  readonly corrected: number;
}

interface Asked {
  readonly session: ModelSession;
  readonly format: PromptFormat;
}

interface AskOptions {
  readonly maxNewTokens: number;
  /** Samples at temperature 1 with these draws. Defaults to the most likely tokens. */
  readonly uniform?: (row: number, position: number) => number;
}

/** The completion of each prompt as text. */
async function ask(
  { session, format }: Asked,
  prompts: readonly (readonly number[])[],
  { maxNewTokens, uniform }: AskOptions,
): Promise<readonly string[]> {
  const texts: string[] = [];
  for (let at = 0; at < prompts.length; at += ROWS) {
    const generations = await session.generate({
      prompts: prompts.slice(at, at + ROWS),
      maxNewTokens,
      endToken: format.endToken,
      greedy: uniform === undefined,
      uniform: (row, position) => uniform?.(at + row, position) ?? 0,
    });
    for (const { tokens } of generations) texts.push(format.decode(tokens));
  }
  return texts;
}

function share(successes: readonly boolean[]): number {
  return successes.length === 0 ? 0 : successes.filter(Boolean).length / successes.length;
}

/** The first held-out items of a task and difficulty, each once. */
export function heldOutLessonItems({ task }: Lesson, difficulty: number, count: number): readonly TaskItem[] {
  const items = new Map<string, TaskItem>();
  for (let index = 0; index < 40 * count && items.size < count; index++) {
    const item = task.sample({ seed: SEED, index, difficulty, share: 'held-out' });
    if (!items.has(item.identity)) items.set(item.identity, item);
  }
  return [...items.values()];
}

/** Reports one difficulty of one task on up to `questions` held-out questions. */
async function reportLesson(
  asked: Asked,
  lesson: Lesson,
  difficulty: number,
  questions: number,
): Promise<TaskReport> {
  const { format } = asked;
  const items = heldOutLessonItems(lesson, difficulty, questions);
  const prompts = items.map((item) => format.answer(item));
  const greedy = await ask(asked, prompts, { maxNewTokens: format.maxTokens.answer });
  const stream = RandomStream.named({ seed: SEED, round: difficulty, device: '', purpose: 'sampling' });
  const sampled = await ask(
    asked,
    prompts.flatMap((prompt) => Array.from({ length: TRIES }, () => prompt)),
    {
      maxNewTokens: format.maxTokens.answer,
      uniform: (row, position) => stream.uniform(Math.floor(row / TRIES), row % TRIES, position),
    },
  );
  const right = sampled.map((text, row) => must(items, Math.floor(row / TRIES)).check(text) === 1);
  const mistakes = RandomStream.named({ seed: SEED, round: difficulty, device: '', purpose: 'judging' });
  const cases = items.map((item, index) => {
    const wrong = index % 2 === 1;
    return { item, wrong, shown: wrong ? mistake(item.answer, mistakes.sequence(index)) : item.answer };
  });
  const critiques = await ask(
    asked,
    cases.map(({ item, shown }) => format.judge(item, shown)),
    { maxNewTokens: format.maxTokens.judge },
  );
  const approved = cases.map(
    ({ item, shown }, at) => item.answerIn(must(critiques, at)) === item.answerIn(shown),
  );
  const corrections = await ask(
    asked,
    cases.map(({ item, shown }, at) => {
      const critique = must(critiques, at);
      return format.correct(item, shown, format.showable(critique) ? critique : shown);
    }),
    { maxNewTokens: format.maxTokens.correct },
  );
  return {
    task: lesson.task.id,
    difficulty,
    greedy: share(greedy.map((text, at) => must(items, at).check(text) === 1)),
    sampled: share(right),
    passAt8: share(items.map((_, at) => right.slice(at * TRIES, (at + 1) * TRIES).includes(true))),
    judged: share(cases.map(({ wrong }, at) => must(approved, at) === !wrong)),
    corrected: share(
      cases.flatMap(({ item, wrong }, at) => (wrong ? [item.check(must(corrections, at)) === 1] : [])),
    ),
  };
}

/** Prints a table of all taught tasks and difficulties, with a completion of each form for people. */
export async function reportMicro(options: {
  readonly engine: Engine;
  readonly files: ModelFiles;
  readonly lessons: readonly Lesson[];
  readonly print: (line: string) => void;
  /** Held-out questions of each task and difficulty. Defaults to 48. */
  readonly questions?: number;
}): Promise<readonly TaskReport[]> {
  const { engine, files, lessons, print, questions = 48 } = options;
  const { config, parameters, tokenizer } = loadModel(files);
  const session = await ModelSession.create({ engine, config, parameters });
  const asked = { session, format: wordsFormat(tokenizer) };
  const percent = (value: number) => `${(100 * value).toFixed(0)} %`.padStart(6);
  const reports: TaskReport[] = [];
  print('| task, difficulty | greedy | sampled | pass@8 | judged | corrected |');
  print('| --- | --- | --- | --- | --- | --- |');
  for (const lesson of lessons) {
    for (const difficulty of new Set(lesson.difficulties)) {
      const report = await reportLesson(asked, lesson, difficulty, questions);
      reports.push(report);
      const { greedy, sampled, passAt8, judged, corrected } = report;
      const shares = [greedy, sampled, passAt8, judged, corrected].map(percent);
      print(`| ${`${report.task} ${difficulty}`.padEnd(18)} | ${shares.join(' | ')} |`);
    }
  }
  await session.dispose();
  return reports;
}
