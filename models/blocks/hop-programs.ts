/**
 * The programs of hops: what one device computes of a step over one block. Activations between blocks are
 * bound as `input` and `output`, their gradients as `input.gradient` and `output.gradient`. Parameters,
 * moments and gradients have the names that the whole model's programs give them (decoder.ts).
 */
import { elementCount, type Program } from '../../compute/repops/program.ts';
import { emitAdamw, emitClip, emitNorms, type OptimizerOptions } from '../decoder/adamw.ts';
import { emitEmbeddingBackward, emitHeadBackward, emitLayerBackward } from '../decoder/backward.ts';
import { ProgramBuilder } from '../decoder/builder.ts';
import { type ParameterSpec, parameterSpecs } from '../decoder/config.ts';
import { type BatchShape, emitLogprobs, emitLoss, type GradientOptions } from '../decoder/decoder.ts';
import {
  declareParameters,
  dimensions,
  EMBEDDING,
  emitHead,
  emitLayer,
  emitLayerActivations,
  headName,
  type LayerActivations,
} from '../decoder/forward.ts';
import { type Block, type BlockPlan, headBlock } from './block-plan.ts';

/** The part of a tied table's gradient that comes through the lookup of tokens: `gradient.<LOOKUP>`. */
export const LOOKUP = 'embedding.lookup';

function specsNamed(plan: BlockPlan, names: readonly string[]): readonly ParameterSpec[] {
  return parameterSpecs(plan.config).filter(({ name }) => names.includes(name));
}

/** A builder with a block's parameters declared, and what all rows of a microbatch share. */
function builderOf(plan: BlockPlan, shape: BatchShape, parameters: readonly string[]) {
  const b = new ProgramBuilder();
  const d = dimensions(plan.config, shape);
  declareParameters(b, plan.config, plan.weights, specsNamed(plan, parameters));
  return { b, d, rows: [d.N, d.D] };
}

/** `tokens` -> `output`. */
export function embedProgram(plan: BlockPlan, shape: BatchShape): Program {
  const { b, d, rows } = builderOf(plan, shape, [EMBEDDING]);
  const tokens = b.bound('tokens', [d.N], 'u32');
  b.node('embed', { N: d.N, V: d.V, D: d.D }, [tokens, EMBEDDING], [b.bound('output', rows)]);
  return b.build(`embed ${shape.batch}x${shape.length}`);
}

/** `input` -> `output`, through the block's layers. */
export function forwardProgram(plan: BlockPlan, block: Block, shape: BatchShape): Program {
  const { b, d, rows } = builderOf(plan, shape, block.parameters);
  let x = b.bound('input', rows);
  b.bound('positions', [d.N], 'u32');
  b.bound('output', rows);
  for (const layer of block.layers) {
    const into = layer === block.layers.at(-1) ? 'output' : undefined;
    const place = { plan: plan.weights, layer, at: `layer.${layer}`, input: x };
    x = emitLayer(b, plan.config, shape, { ...place, ...(into === undefined ? {} : { into }) }).output;
  }
  return b.build(`forward ${block.id} ${shape.batch}x${shape.length}`);
}

/**
 * `input`, `targets` and the objective's data -> `loss`, `logprobs`, `input.gradient` and the gradients of
 * final norm and head.
 */
export function lossProgram(plan: BlockPlan, options: GradientOptions): Program {
  const parameters = headBlock(plan).parameters.filter(
    (name) => name === headName(plan.config) || name === 'model.norm.weight',
  );
  const { b, rows } = builderOf(plan, options, parameters);
  const { config, weights } = plan;
  const activations = emitHead(b, config, options, { plan: weights, input: b.bound('input', rows) });
  const dlogits = emitLoss(b, config, options, emitLogprobs(b, config, options, activations.logits));
  emitHeadBackward(b, config, {
    batch: options.batch,
    length: options.length,
    storage: 'bound',
    plan: weights,
    activations,
    dlogits,
    into: 'input.gradient',
  });
  return b.build(`loss ${options.objective} ${options.batch}x${options.length}`);
}

/**
 * `input`, `output.gradient` -> the gradients of the block's trained tensors, and `input.gradient` if it is
 * `wanted`. The forward pass is computed again from `input`.
 */
export function backwardProgram(
  plan: BlockPlan,
  block: Block,
  shape: BatchShape,
  { wanted }: { readonly wanted: boolean },
): Program {
  const { config, weights } = plan;
  const { b, d, rows } = builderOf(plan, shape, block.parameters);
  let x = b.bound('input', rows);
  b.bound('positions', [d.N], 'u32');
  let dy: string = b.bound('output.gradient', rows);
  if (wanted) b.bound('input.gradient', rows);
  const kept: [layer: number, activations: LayerActivations][] = [];
  for (const layer of block.layers) {
    const place = { plan: weights, layer, at: `again.${layer}`, input: x };
    if (layer === block.layers.at(-1)) {
      kept.push([layer, emitLayerActivations(b, config, shape, place)]);
    } else {
      const { activations, output } = emitLayer(b, config, shape, place);
      kept.push([layer, activations]);
      x = output;
    }
  }
  for (const [layer, activations] of kept.reverse()) {
    const first = layer === block.layers[0];
    const dx = emitLayerBackward(b, config, {
      batch: shape.batch,
      length: shape.length,
      storage: 'bound',
      plan: weights,
      layer,
      activations,
      dy,
      wanted: wanted || !first,
      ...(first && wanted ? { into: 'input.gradient' } : {}),
    });
    dy = dx ?? dy;
  }
  return b.build(`backward ${block.id}${wanted ? '' : ' (first)'} ${shape.batch}x${shape.length}`);
}

/**
 * `tokens`, `output.gradient` -> the table's gradient, or `gradient.<LOOKUP>` where the table is the head
 * too.
 */
export function embeddingBackwardProgram(plan: BlockPlan, shape: BatchShape): Program {
  const { b, d, rows } = builderOf(plan, shape, []);
  b.bound('tokens', [d.N], 'u32');
  emitEmbeddingBackward(b, plan.config, {
    batch: shape.batch,
    length: shape.length,
    storage: 'bound',
    lookup: 'bound',
    dx: b.bound('output.gradient', rows),
  });
  return b.build(`backward embedding ${shape.batch}x${shape.length}`);
}

/** `left.<name>` + `right.<name>` -> `sum.<name>` for each tensor. */
export function sumProgram(name: string, parts: readonly ParameterSpec[]): Program {
  const b = new ProgramBuilder();
  for (const { name: part, shape } of parts) {
    const [left, right] = [b.bound(`left.${part}`, shape), b.bound(`right.${part}`, shape)];
    b.node('add', { len: elementCount(shape) }, [left, right], [b.bound(`sum.${part}`, shape)]);
  }
  return b.build(name);
}

/** `gradient.<name>` -> `norm.<name>`, the sum of squares, for each of a block's trained tensors. */
export function normProgram(block: Block): Program {
  const b = new ProgramBuilder();
  emitNorms(b, block.trained, gradientsOf(b, block.trained), 'bound');
  return b.build(`norms ${block.id}`);
}

/** `norm.<name>` of every trained tensor of the model -> `clip`. */
export function clipProgram(specs: readonly ParameterSpec[], optimizer: OptimizerOptions): Program {
  const b = new ProgramBuilder();
  const sums = specs.map(({ name }) => b.bound(`norm.${name}`, [1]));
  emitClip(b, sums, optimizer);
  return b.build('clip');
}

/** `gradient.<name>`, `clip` and `hyper` -> AdamW of a block's tensors and moments, in place. */
export function updateProgram(block: Block, optimizer: OptimizerOptions): Program {
  const b = new ProgramBuilder();
  for (const { name, shape } of block.trained) b.bound(name, shape);
  const gradients = gradientsOf(b, block.trained);
  emitAdamw(b, block.trained, gradients, { clip: b.bound('clip', [1]), optimizer });
  return b.build(`update ${block.id}`);
}

function gradientsOf(b: ProgramBuilder, specs: readonly ParameterSpec[]): readonly string[] {
  return specs.map(({ name, shape }) => b.bound(`gradient.${name}`, shape));
}
