/**
 * The part of `npm run train:base` that makes public/models/micro. It takes 20 minutes or more, so it shows
 * its progress, saves its state, and goes on after a kill.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import { checkpointRoot } from '../models/checkpoint/root.ts';
import { parseSafetensors } from '../models/checkpoint/safetensors.ts';
import type { ModelSession } from '../models/decoder/model-session.ts';
import { openFileDirectory } from '../models/storage/file-directory.ts';
import { durationText, startForecast } from './forecast.ts';
import { microFiles } from './micro-files.ts';
import { MICRO_LESSONS, MICRO_RECIPE } from './micro-lessons.ts';
import { type Lesson, type MicroRecipe, microIdentity, microPlan } from './micro-pretraining.ts';
import { reportMicro } from './micro-report.ts';
import { MODEL_FILES } from './nano-files.ts';
import { openPretrainingState, type PretrainingState } from './pretraining-state.ts';
import { runSupervised, type SupervisedRunOptions } from './supervised-run.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

export interface TrainMicroOptions {
  /** Compares the result with the committed files instead of writing them. */
  readonly verify: boolean;
  /** Forgets the stored state of an earlier run. */
  readonly restart: boolean;
  /** Steps of the recipe. Defaults to the recipe's own. */
  readonly steps?: number;
  /** Stops after this many steps, saves the state and writes no model. Defaults to none. */
  readonly stopAfter?: number;
  /** Defaults to 1. The bits do not depend on it. */
  readonly threads?: number;
  /** Steps between two saves. Defaults to 50. */
  readonly saveEvery?: number;
  /** The folder of the stored state. Defaults to one below `.starling/pretraining`. */
  readonly stateFolder?: string;
  /** The model's folder. Defaults to `public/models/micro`. */
  readonly modelFolder?: string;
  readonly print?: (line: string) => void;
  /** Held-out questions of each task and difficulty in the report. 0 leaves it out. Defaults to 48. */
  readonly questions?: number;
  /** Defaults to MICRO_RECIPE and MICRO_LESSONS. */
  readonly taught?: { readonly recipe: MicroRecipe; readonly lessons: readonly Lesson[] };
}

/** Steps between two lines of progress. */
const LINE_EVERY = 10;

/**
 * Makes the micro model and resolves with its root and whether the files are the committed ones (true without
 * `verify`). Resolves with undefined when it stopped before the end.
 */
export async function trainMicro(
  options: TrainMicroOptions,
): Promise<{ readonly root: string; readonly same: boolean } | undefined> {
  const { print = console.log, saveEvery = 50, threads = 1 } = options;
  const taught = options.taught ?? { recipe: MICRO_RECIPE, lessons: MICRO_LESSONS };
  const { lessons } = taught;
  const recipe = { ...taught.recipe, steps: options.steps ?? taught.recipe.steps };
  const modelFolder = options.modelFolder ?? join(ROOT, 'public/models/micro');
  const stateFolder =
    options.stateFolder ?? join(ROOT, '.starling/pretraining', options.verify ? 'micro-verify' : 'micro');
  const state = openPretrainingState({
    directory: await openFileDirectory(stateFolder),
    config: recipe.config,
    identityAt: (step) => microIdentity(recipe, lessons, step),
  });
  if (options.restart) await state.clear();
  const from = await state.load();
  if (from !== undefined) print(`continues after step ${from.step} of ${recipe.steps}`);
  const last = Math.min(recipe.steps, options.stopAfter ?? recipe.steps);
  const engine = await createWasmEngine({ threads });
  try {
    const session = await runSupervised({
      engine,
      plan: microPlan(recipe, lessons),
      from,
      stopAfter: options.stopAfter,
      afterStep: progress({ steps: recipe.steps, last, saveEvery, state, print }),
    });
    if (last < recipe.steps) {
      print(`stopped after step ${last}; the same command goes on from there`);
      return undefined;
    }
    const made = await finish({ ...options, session, recipe, lessons, modelFolder, print });
    await state.clear();
    return made;
  } finally {
    await engine.stop();
  }
}

/** Prints how far the run is, and saves its state every `saveEvery` steps and after the last. */
function progress(options: {
  readonly steps: number;
  /** Steps after which this run stops. */
  readonly last: number;
  readonly saveEvery: number;
  readonly state: PretrainingState;
  readonly print: (line: string) => void;
}): NonNullable<SupervisedRunOptions['afterStep']> {
  const { steps, last, saveEvery, state, print } = options;
  const forecast = startForecast(() => performance.now());
  let losses: number[] = [];
  return async ({ step, loss, session }) => {
    forecast.stepDone();
    losses.push(loss);
    const done = step + 1;
    if (done % LINE_EVERY === 0 || done === last) {
      const mean = losses.reduce((sum, value) => sum + value, 0) / losses.length;
      losses = [];
      print(
        `step ${done} of ${steps}: loss ${mean.toFixed(3)}, ${durationText(forecast.elapsed())}, ` +
          `about ${durationText(forecast.remaining(steps - done))} left`,
      );
    }
    if (done % saveEvery === 0 || done === last) await state.save(await session.snapshot());
  };
}

async function finish(options: {
  readonly session: ModelSession;
  readonly recipe: MicroRecipe;
  readonly lessons: readonly Lesson[];
  readonly modelFolder: string;
  readonly verify: boolean;
  readonly print: (line: string) => void;
  readonly questions?: number;
}): Promise<{ readonly root: string; readonly same: boolean }> {
  const { session, recipe, lessons, modelFolder, verify, print, questions = 48 } = options;
  const { parameters } = await session.snapshot();
  await session.dispose();
  const files = microFiles(recipe.config, parameters);
  const root = checkpointRoot(parseSafetensors(files['model.safetensors']));
  let same = true;
  if (verify) {
    for (const name of MODEL_FILES) {
      const committed = await readFile(join(modelFolder, name));
      const equal = Buffer.compare(committed, files[name]) === 0;
      print(`${name}: ${equal ? 'same bits' : 'differs from the committed file'}`);
      same &&= equal;
    }
  } else {
    await mkdir(modelFolder, { recursive: true });
    for (const name of MODEL_FILES) await writeFile(join(modelFolder, name), files[name]);
    print(`wrote ${MODEL_FILES.join(', ')} to ${modelFolder}`);
  }
  print(`root of the weights: ${root}`);
  if (questions > 0) await reportMicro({ engine: session.engine, files, lessons, print, questions });
  return { root, same };
}
