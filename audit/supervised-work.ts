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
import { declareModel, hyperOf, type Pieces, type PlannedWork, rowPositions } from './work.ts';

/** Examples drawn for one row before the specification counts as one that no example fits. */
const MAX_DRAWS = 256;

/** The tokenizer of the built-in model. */
export function characterTokenizer(): CompletionTokenizer {
  return completionTokenizer(new Tokenizer(characterTokenizerJson()));
}

/** How many questions a step has, and their length in tokens. */
export interface RowShape {
  readonly rows: number;
  readonly length: number;
}

function rowOf(
  spec: RunSpec,
  shape: RowShape,
  tokenizer: CompletionTokenizer,
  step: number,
  row: number,
): Row {
  const seed = seedBytes(spec.seed);
  const number = spec.start.step + step;
  const stream = RandomStream.named({ seed, round: 0, device: '', purpose: 'pretraining' });
  const draws = stream.sequence(number, row);
  for (let attempt = 0; attempt < MAX_DRAWS; attempt++) {
    const { prompt, completion } = trainingExample(seed, number * shape.rows + row, draws);
    const drawn = {
      prompt: promptTokens(tokenizer, prompt),
      completion: [...tokenizer.encode(completion), tokenizer.endToken],
    };
    if (drawn.prompt.length + drawn.completion.length - 1 <= shape.length) return drawn;
  }
  throw new RunSpecError(`No question fits ${shape.length} tokens: use longer rows.`);
}

/** The rows of a step, [rows * length] each. */
export interface SupervisedRows {
  readonly tokens: Uint32Array;
  readonly targets: Uint32Array;
  /** 1 / the number of answer tokens of all rows on these tokens, and 0 elsewhere. */
  readonly weights: Float32Array;
}

/** Draws the rows of a step of a run. Yields after each. Throws RunSpecError when no question fits a row. */
export function* supervisedRows(
  spec: RunSpec,
  shape: RowShape,
  tokenizer: CompletionTokenizer,
  step: number,
): Pieces<SupervisedRows> {
  const { rows, length } = shape;
  const drawn: Row[] = [];
  for (let row = 0; row < rows; row++) {
    drawn.push(rowOf(spec, shape, tokenizer, step, row));
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
  return { tokens, targets, weights };
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
      const { tokens, targets, weights } = yield* supervisedRows(spec, work, tokenizer, step);
      return new Map<string, Words>([
        ['hyper', hyper(step)],
        ['tokens', tokens],
        ['targets', targets],
        ['weights', weights],
      ]);
    },
  };
}
