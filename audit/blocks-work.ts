/** The recipe and the batches of supervised steps over a model in blocks: its hops, one after another. */
import type { Words } from '../compute/repops/recipe.ts';
import { blockPlan } from '../models/blocks/block-plan.ts';
import { blockStep } from '../models/blocks/block-step.ts';
import type { BlocksWork, RunSpec } from './run-spec.ts';
import { characterTokenizer, supervisedRows } from './supervised-work.ts';
import { hyperOf, type PlannedWork } from './work.ts';

/**
 * Plans supervised steps over blocks. A step has the questions of a supervised step with as many rows; row r
 * is in microbatch floor(r / rows). Throws RunSpecError when no question fits a row.
 */
export function planBlocks(spec: RunSpec, work: BlocksWork): PlannedWork {
  const { rows, length, layers, paths } = work;
  const step = blockStep({
    plan: blockPlan({ config: spec.config, layers }),
    microbatches: { count: paths.length, batch: rows, length },
    paths,
    optimizer: spec.optimizer,
    ...(work.boundary === undefined ? {} : { boundary: work.boundary }),
  });
  const tokenizer = characterTokenizer();
  const hyper = hyperOf(spec);
  return {
    recipe: step.recipe,
    blocks: step,
    *given(number) {
      const shape = { rows: rows * paths.length, length };
      const all = yield* supervisedRows(spec, shape, tokenizer, number);
      const given = new Map<string, Words>([['hyper', hyper(number)]]);
      for (const name of ['tokens', 'targets', 'weights'] as const) {
        for (const m of paths.keys()) {
          given.set(`${name}.${m}`, all[name].slice(m * rows * length, (m + 1) * rows * length));
        }
      }
      return given;
    },
  };
}
