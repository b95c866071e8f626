/** The models that the experiment starts from: small ones that know eight tasks a little. */
import type { Engine } from '../../compute/engines/engine.ts';
import { NANO_CONFIG } from '../../models/decoder/config.ts';
import type { NamedTensors } from '../../models/decoder/state.ts';
import { characterTokenizerJson } from '../../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../../models/tokenizer/tokenizer.ts';
import { completionTokenizer } from '../completion-tokenizer.ts';
import type { LoadedModel } from '../nano-files.ts';
import { NANO_RECIPE, pretrain, type TrainingExample } from '../pretraining.ts';
import { answerPrompt } from '../prompts.ts';
import { chosenGenerators, selectGenerators } from '../tasks/catalogue.ts';

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

/** Of 640 planned steps. After so few a right answer to the tasks of the experiment is rare. */
export const BASE_STEPS = 160;

/** The model with the character vocabulary and these weights of nano's shape. */
export function nanoShaped(parameters: NamedTensors): LoadedModel {
  return {
    config: NANO_CONFIG,
    parameters,
    tokenizer: completionTokenizer(new Tokenizer(characterTokenizerJson())),
  };
}

/** Pretrains the start model of a run on right answers. About 15 seconds on an idle core. */
export async function pretrainBase(
  engine: Engine,
  run: string,
  stopAfter = BASE_STEPS,
): Promise<NamedTensors> {
  const tasks = chosenGenerators(TAUGHT.generators);
  const session = await pretrain({
    engine,
    tokenizer: completionTokenizer(new Tokenizer(characterTokenizerJson())),
    recipe: { ...NANO_RECIPE, seed: run },
    stopAfter,
    example(seed, index, draws): TrainingExample {
      const { task, difficulties } = draws.pick(tasks);
      const item = task.sample({ seed, index, difficulty: draws.pick(difficulties) });
      return { prompt: answerPrompt(item.prompt), completion: item.answer };
    },
  });
  const { parameters } = await session.snapshot();
  await session.dispose();
  return parameters;
}
