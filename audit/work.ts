/** What the kinds of work share: the model's state, its tables and the optimizer's inputs. */

import type { RecipeBuilder, StepRecipe, Words } from '../compute/repops/recipe.ts';
import type { BlockStep } from '../models/blocks/block-step.ts';
import { type DecoderConfig, parameterSpecs } from '../models/decoder/config.ts';
import { HyperSchedule } from '../models/decoder/hyper.ts';
import { modelRopeTables } from '../models/decoder/rope.ts';
import type { RunSpec } from './run-spec.ts';

/** A kind of work, planned from a specification. */
export interface PlannedWork {
  readonly recipe: StepRecipe;
  /** Of work over blocks: its hops. */
  readonly blocks?: BlockStep;
  /** Data of step 0 to steps - 1 by the names of the recipe's data tensors. Yields after each row drawn. */
  given(step: number): Pieces<ReadonlyMap<string, Words>>;
}

/**
 * Work in short pieces: it yields between two pieces, so that whoever drains it can stop or let others in.
 * A stranger's specification orders how long the whole takes, but not how long a piece does.
 */
export type Pieces<Result> = Generator<undefined, Result, undefined>;

/** Does all pieces at once, for work whose size the caller chose itself. */
export function allPieces<Result>(pieces: Pieces<Result>): Result {
  for (;;) {
    const next = pieces.next();
    if (next.done === true) return next.value;
  }
}

/** Declares parameters, both moments, the rotary tables and the `hyper` tensor. */
export function declareModel(b: RecipeBuilder, config: DecoderConfig): void {
  for (const { name, shape } of parameterSpecs(config)) {
    for (const prefix of ['', 'optimizer.m.', 'optimizer.v.']) b.state(prefix + name, shape);
  }
  b.data('hyper', [3]);
  const { cos, sin } = modelRopeTables(config, config.context);
  const shape = [config.context, config.headDim / 2];
  b.fixed('rope.cos', shape, cos);
  b.fixed('rope.sin', shape, sin);
}

/** The position of each token in a batch of rows of equal length. */
export function rowPositions(rows: number, length: number): Uint32Array {
  return Uint32Array.from({ length: rows * length }, (_, i) => i % length);
}

/** The `hyper` tensor of each step of a run. */
export function hyperOf(spec: RunSpec): (step: number) => Float32Array {
  const schedule = new HyperSchedule(spec.optimizer);
  return (step) => schedule.at(spec.start.step + step + 1, spec.learningRate);
}
