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
  FINAL_NORM,
  headName,
  type LayerActivations,
} from '../decoder/forward.ts';
import { type Block, type BlockPlan, headBlock } from './block-plan.ts';
import { type Boundary, emitArrival, emitDeparture } from './boundary.ts';

/** The part of a tied table's gradient that comes through the lookup of tokens: `gradient.<LOOKUP>`. */
export const LOOKUP = 'embedding.lookup';

function specsNamed(plan: BlockPlan, names: readonly string[]): readonly ParameterSpec[] {
  return parameterSpecs(plan.config).filter(({ name }) => names.includes(name));
}

/** What the hops of a microbatch are emitted for. */
export interface HopShape extends BatchShape {
  readonly boundary: Boundary;
}

/** A builder with these parameters declared, and what all rows of a microbatch share. */
export function builderOf(plan: BlockPlan, shape: HopShape, parameters: readonly string[]) {
  const b = new ProgramBuilder();
  const d = dimensions(plan.config, { batch: shape.batch, length: shape.length });
  declareParameters(b, plan.config, plan.weights, specsNamed(plan, parameters));
  return {
    b,
    d,
    arrival: (name: string) => emitArrival(b, name, shape.boundary, d),
    departure: (name: string, emit: (into: string | undefined) => string) =>
      emitDeparture(b, name, shape.boundary, d, emit),
    name: (what: string) => `${what} ${shape.batch}x${shape.length} ${shape.boundary}`,
  };
}

/** `tokens` -> `output`. */
export function embedProgram(plan: BlockPlan, shape: HopShape): Program {
  const { b, d, departure, name } = builderOf(plan, shape, [EMBEDDING]);
  const tokens = b.bound('tokens', [d.N], 'u32');
  departure('output', (into) => {
    const rows = into ?? b.temporary('embedded', [d.N, d.D]);
    b.node('embed', { N: d.N, V: d.V, D: d.D }, [tokens, EMBEDDING], [rows]);
    return rows;
  });
  return b.build(name('embed'));
}

/** `input` -> `output`, through the block's layers. */
export function forwardProgram(plan: BlockPlan, block: Block, shape: HopShape): Program {
  const { b, d, arrival, departure, name } = builderOf(plan, shape, block.parameters);
  let x = arrival('input');
  b.bound('positions', [d.N], 'u32');
  departure('output', (into) => {
    for (const layer of block.layers) {
      const own = layer === block.layers.at(-1) && into !== undefined ? { into } : {};
      const place = { plan: plan.weights, layer, at: `layer.${layer}`, input: x, ...own };
      x = emitLayer(b, plan.config, sizeOf(shape), place).output;
    }
    return x;
  });
  return b.build(name(`forward ${block.id}`));
}

/** The shape alone, for the emission of layers, which knows other fields besides. */
function sizeOf({ batch, length }: BatchShape): BatchShape {
  return { batch, length };
}

/**
 * `input`, `targets` and the objective's data -> `loss`, `logprobs`, `input.gradient` and the gradients of
 * final norm and head.
 */
export function lossProgram(
  plan: BlockPlan,
  shape: HopShape,
  objective: Pick<GradientOptions, 'objective' | 'policy'>,
): Program {
  const parameters = headBlock(plan).parameters.filter(
    (parameter) => parameter === headName(plan.config) || parameter === FINAL_NORM,
  );
  const { b, arrival, departure, name } = builderOf(plan, shape, parameters);
  const { config, weights } = plan;
  const size = sizeOf(shape);
  const activations = emitHead(b, config, size, { plan: weights, input: arrival('input') });
  const scored = emitLogprobs(b, config, size, activations.logits);
  const dlogits = emitLoss(b, config, { ...size, ...objective, plan: weights }, scored);
  departure('input.gradient', (into) =>
    emitHeadBackward(b, config, {
      ...size,
      storage: 'bound',
      plan: weights,
      activations,
      dlogits,
      ...(into === undefined ? {} : { into }),
    }),
  );
  return b.build(name(`loss ${objective.objective}`));
}

/**
 * `input`, `output.gradient` -> the gradients of the block's trained tensors, and `input.gradient` if it is
 * `wanted`. The forward pass is computed again from `input`.
 */
export function backwardProgram(
  plan: BlockPlan,
  block: Block,
  shape: HopShape,
  { wanted }: { readonly wanted: boolean },
): Program {
  const { config, weights } = plan;
  const { b, d, arrival, departure, name } = builderOf(plan, shape, block.parameters);
  const size = sizeOf(shape);
  let x = arrival('input');
  b.bound('positions', [d.N], 'u32');
  let dy = arrival('output.gradient');
  const kept: [layer: number, activations: LayerActivations][] = [];
  for (const layer of block.layers) {
    const place = { plan: weights, layer, at: `again.${layer}`, input: x };
    if (layer === block.layers.at(-1)) {
      kept.push([layer, emitLayerActivations(b, config, size, place)]);
    } else {
      const { activations, output } = emitLayer(b, config, size, place);
      kept.push([layer, activations]);
      x = output;
    }
  }
  const emit = (into: string | undefined): string => {
    for (const [layer, activations] of kept.reverse()) {
      const first = layer === block.layers[0];
      const dx = emitLayerBackward(b, config, {
        ...size,
        storage: 'bound',
        plan: weights,
        layer,
        activations,
        dy,
        wanted: wanted || !first,
        ...(first && into !== undefined ? { into } : {}),
      });
      dy = dx ?? dy;
    }
    return dy;
  };
  if (wanted) departure('input.gradient', emit);
  else emit(undefined);
  return b.build(name(`backward ${block.id}${wanted ? '' : ' (first)'}`));
}

/**
 * `tokens`, `output.gradient` -> the table's gradient, or `gradient.<LOOKUP>` where the table is the head
 * too.
 */
export function embeddingBackwardProgram(plan: BlockPlan, shape: HopShape): Program {
  const { b, d, arrival, name } = builderOf(plan, shape, []);
  b.bound('tokens', [d.N], 'u32');
  emitEmbeddingBackward(b, plan.config, {
    ...sizeOf(shape),
    storage: 'bound',
    lookup: 'bound',
    dx: arrival('output.gradient'),
  });
  return b.build(name('backward embedding'));
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

/** `clip` -> `kept`: the update of a block in which nothing is trained. */
export function keptProgram(): Program {
  const b = new ProgramBuilder();
  const clip = b.bound('clip', [1]);
  b.node('add', { len: 1 }, [clip, clip], [b.bound('kept', [1])]);
  return b.build('kept');
}

function gradientsOf(b: ProgramBuilder, specs: readonly ParameterSpec[]): readonly string[] {
  return specs.map(({ name, shape }) => b.bound(`gradient.${name}`, shape));
}
