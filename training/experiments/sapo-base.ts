/** The models that the experiment starts from: small ones that know eight tasks a little. */
import type { Engine } from '../../compute/engines/engine.ts';
import { NANO_CONFIG } from '../../models/decoder/config.ts';
import type { NamedTensors } from '../../models/decoder/state.ts';
import { characterTokenizerJson } from '../../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../../models/tokenizer/tokenizer.ts';
import type { TaskSelection } from '../../protocol/swarm-spec.ts';
import { completionTokenizer } from '../completion-tokenizer.ts';
import type { LoadedModel } from '../nano-files.ts';
import { NANO_RECIPE, pretrain, type TrainingExample } from '../pretraining.ts';
import { answerPrompt } from '../prompts.ts';
import { shortFormat } from '../short-format.ts';
import { chosenGenerators, selectGenerators } from '../tasks/catalogue.ts';
import { openTasks } from '../tasks/task-source.ts';
import { trySkill } from './held-out-skill.ts';

/** What the start model was taught: eight tasks, so that it knows none of them well. */
const TAUGHT = selectGenerators({
  sums: [0, 1],
  sorting: [0, 1],
  gcd: [0, 1],
  reversing: [0, 1],
  rotating: [0, 1],
  shifting: [0, 1],
  swapping: [1],
  complementing: [0, 1],
});

/**
 * The tasks that the experiment trains on. A model begins to solve both at about the same step of
 * pretraining, so that neither is known well while the other one is never solved.
 */
export const TRAINED: TaskSelection = selectGenerators({ rotating: [0, 1], shifting: [0, 1] });

/** Accuracy is measured after every so many steps of pretraining. */
const STEPS_PER_CHECK = 10;
/** No start model was right in one of a hundred tries before this step. */
const FIRST_CHECK = 150;
const QUESTIONS = 384;
const QUESTION_SEED = new TextEncoder().encode('starling experiment, start level');

/** The model with the character vocabulary and these weights of nano's shape. */
export function nanoShaped(parameters: NamedTensors): LoadedModel {
  return { config: NANO_CONFIG, parameters, tokenizer: baseTokenizer() };
}

function baseTokenizer() {
  return completionTokenizer(new Tokenizer(characterTokenizerJson()));
}

export interface BaseOptions {
  readonly engine: Engine;
  /** Name of the run, from which all draws follow. */
  readonly run: string;
  /** The share of sampled answers to the experiment's tasks that are right at which pretraining stops. */
  readonly level: number;
  /** Most steps. Defaults to the 640 that nano has. */
  readonly steps?: number;
}

/**
 * Pretrains the start model of a run on right answers, until its accuracy first reaches the level. Accuracy
 * is measured on questions that are neither held out nor drawn by a round. About 30 seconds on an idle core
 * for a level of 1 percent.
 */
export async function pretrainBase({ engine, run, level, steps }: BaseOptions): Promise<NamedTensors> {
  const tasks = chosenGenerators(TAUGHT.generators);
  const tokenizer = baseTokenizer();
  const questions = (await openTasks(TRAINED, new Map())).roundItems(QUESTION_SEED, QUESTIONS);
  const session = await pretrain({
    engine,
    tokenizer,
    recipe: { ...NANO_RECIPE, seed: run },
    stopAfter: steps,
    example(seed, index, draws): TrainingExample {
      const { task, difficulties } = draws.pick(tasks);
      const item = task.sample({ seed, index, difficulty: draws.pick(difficulties) });
      return { prompt: answerPrompt(item.prompt), completion: item.answer };
    },
    async stopWhen(model, taken) {
      if (taken < FIRST_CHECK || taken % STEPS_PER_CHECK !== 0) return false;
      const policy = { model, format: shortFormat(tokenizer) };
      return (await trySkill(policy, questions, QUESTION_SEED)).sampled >= level;
    },
  });
  const { parameters } = await session.snapshot();
  await session.dispose();
  return parameters;
}
