/** The recipe and the batches of supervised steps: the decoder's training program over rows of task text. */

import { canon } from '../compute/repops/arithmetic.ts';
import { RecipeBuilder, type Words } from '../compute/repops/recipe.ts';
import { trainingProgram } from '../models/decoder/decoder.ts';
import { characterTokenizerJson } from '../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../models/tokenizer/tokenizer.ts';
import { RandomStream } from '../protocol/philox.ts';
import {
  type CompletionTokenizer,
  completionTokenizer,
  promptTokens,
} from '../training/completion-tokenizer.ts';
import { trainingExample } from '../training/pretraining.ts';
import { seedBytes } from '../training/round-seed.ts';
import type { Row } from '../training/sequences.ts';
import { type RunSpec, RunSpecError, type SupervisedWork } from './run-spec.ts';
import { declareModel, hyperOf, type PlannedWork, rowPositions } from './work.ts';

/** Examples drawn for one row before the specification counts as one that no example fits. */
const MAX_DRAWS = 256;

/** The tokenizer of the built-in model. */
export function characterTokenizer(): CompletionTokenizer {
  return completionTokenizer(new Tokenizer(characterTokenizerJson()));
}

function rowOf(
  spec: RunSpec,
  work: SupervisedWork,
  tokenizer: CompletionTokenizer,
  step: number,
  row: number,
): Row {
  const seed = seedBytes(spec.seed);
  const number = spec.start.step + step;
  const stream = RandomStream.named({ seed, round: 0, device: '', purpose: 'pretraining' });
  const draws = stream.sequence(number, row);
  for (let attempt = 0; attempt < MAX_DRAWS; attempt++) {
    const { prompt, completion } = trainingExample(seed, number * work.rows + row, draws);
    const drawn = {
      prompt: promptTokens(tokenizer, prompt),
      completion: [...tokenizer.encode(completion), tokenizer.endToken],
    };
    if (drawn.prompt.length + drawn.completion.length - 1 <= work.length) return drawn;
  }
  throw new RunSpecError(`No question fits ${work.length} tokens: use longer rows.`);
}

/** Plans supervised steps. Throws RunSpecError when no question fits a row. */
export function planSupervised(spec: RunSpec, work: SupervisedWork): PlannedWork {
  const { rows, length } = work;
  const b = new RecipeBuilder();
  declareModel(b, spec.config);
  b.data('tokens', [rows * length], 'u32');
  b.data('targets', [rows * length], 'u32');
  b.data('weights', [rows * length]);
  b.fixed('positions', [rows * length], rowPositions(rows, length));
  b.run(
    trainingProgram(spec.config, {
      batch: rows,
      length,
      objective: 'supervised',
      optimizer: spec.optimizer,
    }),
  );
  const tokenizer = characterTokenizer();
  const hyper = hyperOf(spec);
  return {
    recipe: b.build(),
    *given(step) {
      const drawn: Row[] = [];
      for (let row = 0; row < rows; row++) {
        drawn.push(rowOf(spec, work, tokenizer, step, row));
        yield undefined;
      }
      const tokens = new Uint32Array(rows * length);
      const targets = new Uint32Array(rows * length);
      const weights = new Float32Array(rows * length);
      const weight = canon(1 / drawn.reduce((sum, { completion }) => sum + completion.length, 0));
      for (const [row, { prompt, completion }] of drawn.entries()) {
        const sequence = [...prompt, ...completion];
        tokens.set(sequence.slice(0, -1), row * length);
        targets.set(sequence.slice(1), row * length);
        const first = row * length + prompt.length - 1;
        weights.fill(weight, first, first + completion.length);
      }
      return new Map<string, Words>([
        ['hyper', hyper(step)],
        ['tokens', tokens],
        ['targets', targets],
        ['weights', weights],
      ]);
    },
  };
}
