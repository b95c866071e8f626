/**
 * One optimizer step of a model in blocks, as one recipe whose actions are the hops: programs over named
 * tensors that any device with the block can compute. Paths of microbatches are part of the program; the
 * devices are not, so that no bit depends on where a hop is computed. docs/blocks.md has the rules.
 */
import { elementBytes, elementCount } from '../../compute/repops/program.ts';
import type { RecipeBuilder, StepRecipe, Words } from '../../compute/repops/recipe.ts';
import { DEFAULT_OPTIMIZER, type OptimizerOptions } from '../decoder/adamw.ts';
import { trainedSpecs } from '../decoder/backward.ts';
import type { ParameterSpec } from '../decoder/config.ts';
import type { BatchShape, Objective, PolicyOptions } from '../decoder/decoder.ts';
import { EMBEDDING, FINAL_NORM, headName } from '../decoder/forward.ts';
import { modelRopeTables } from '../decoder/rope.ts';
import {
  type Block,
  type BlockPath,
  type BlockPlan,
  BlockPlanError,
  checkedPaths,
  embeddingBlock,
  frozenTensors,
  headBlock,
  layerBlocks,
  partBlocks,
  versionTensors,
} from './block-plan.ts';
import { type Boundary, boundaryParts } from './boundary.ts';
import { type Leaf, type SumOrder, sumLeaves } from './gradient-sum.ts';
import { type Hop, StepBuilder } from './hop.ts';
import {
  backwardProgram,
  clipProgram,
  embeddingBackwardProgram,
  embedProgram,
  forwardProgram,
  keptProgram,
  LOOKUP,
  lossProgram,
  normProgram,
  sumProgram,
  updateProgram,
} from './hop-programs.ts';
import { idNames, lookupHops, lossHops, vocabularyConstants } from './vocabulary-hops.ts';

export interface Microbatches extends BatchShape {
  readonly count: number;
}

export interface BlockStepOptions {
  readonly plan: BlockPlan;
  readonly microbatches: Microbatches;
  /** The stages that each microbatch visits, or every stage for each. */
  readonly paths: readonly BlockPath[] | 'full';
  /** Defaults to DEFAULT_OPTIMIZER. */
  readonly optimizer?: OptimizerOptions;
  /** Defaults to `tree`. */
  readonly order?: SumOrder;
  /** How activations and their gradients pass from block to block. Defaults to `f32`. */
  readonly boundary?: Boundary;
  /** Defaults to `supervised`. */
  readonly objective?: Objective;
  readonly policy?: PolicyOptions;
}

export interface BlockStep {
  readonly plan: BlockPlan;
  readonly microbatches: Microbatches;
  readonly paths: readonly BlockPath[];
  readonly recipe: StepRecipe;
  /** In the order of the recipe's actions. */
  readonly hops: readonly Hop[];
  /** For each trained tensor, the recipe's tensor with its gradient over all microbatches. */
  readonly gradients: ReadonlyMap<string, string>;
  /** Bytes of one of the recipe's tensors. Throws RangeError for a name that it lacks. */
  bytesOf(tensor: string): number;
}

const MOST_MICROBATCHES = 4096;

/** The step. Throws BlockPlanError for paths or microbatches that the plan does not allow. */
export function blockStep(options: BlockStepOptions): BlockStep {
  const { plan, microbatches, order = 'tree', objective = 'supervised' } = options;
  const { optimizer = DEFAULT_OPTIMIZER, boundary = 'f32' } = options;
  const { config, weights } = plan;
  const { count, batch, length } = microbatches;
  checkMicrobatches(plan, microbatches);
  if (boundary === 'int8' && config.hiddenSize % 4 !== 0) {
    throw new BlockPlanError(`A width of ${config.hiddenSize} makes no whole words of bytes: use bf16.`);
  }
  const paths = checkedPaths(plan, count, options.paths);
  const { policy } = options;
  const settings = JSON.stringify([batch, length, boundary, objective, policy, optimizer]);
  const b = new StepBuilder(plan, settings);
  const [embedding, head, layers] = [embeddingBlock(plan), headBlock(plan), layerBlocks(plan)];
  const shape = { batch, length, boundary };
  const parts = boundaryParts(boundary, { N: batch * length, D: config.hiddenSize });
  /** The recipe's tensors for a program's `port`. */
  const at = (port: string, tensor: string) =>
    Object.fromEntries(parts.map(({ name }) => [port + name, tensor + name]));
  /** As `at`, for the hop that writes them. */
  const from = (port: string, tensor: string) => {
    for (const { name, shape: size, dtype } of parts) b.between(tensor + name, size, dtype);
    return at(port, tensor);
  };
  declare(b.recipe, options, objective);
  const isCut = partBlocks(plan).length > 0;
  const cut = { b, plan, shape, objective: { objective, policy }, at, from };

  const leaves = new Map<string, (Leaf | undefined)[]>(plan.blocks.map(({ id }) => [id, []]));
  const keep = (block: Block, m: number, leaf: Leaf) => {
    const kept = leaves.get(block.id);
    if (kept !== undefined) kept[m] = new Map([...(kept[m] ?? []), ...leaf]);
  };
  const specs = trainedSpecs(config, weights);
  const partSpecs = new Map<string, ParameterSpec>(specs.map((spec) => [spec.name, spec]));
  partSpecs.set(LOOKUP, { name: LOOKUP, shape: [config.vocabulary, config.hiddenSize] });
  const partOf = (name: string): ParameterSpec => {
    const part = partSpecs.get(name);
    if (part === undefined) throw new RangeError(`${name} has no gradient`);
    return part;
  };
  /** Declares a microbatch's gradients. Returns the program's names for them, and the leaf. */
  const gradientsOf = (m: number, names: readonly string[]) => {
    const leaf = new Map(names.map((name) => [name, b.between(`gradient.${m}.${name}`, partOf(name).shape)]));
    const rename = Object.fromEntries([...leaf].map(([name, tensor]) => [`gradient.${name}`, tensor]));
    return { leaf, rename };
  };

  for (const [m, path] of paths.entries()) {
    const visited = path.map((stage) => layers[stage - 1]).filter((block) => block !== undefined);
    const activation = (block: Block) => `activation.${m}.${block.id}`;
    const gradient = (block: Block) => `activation.gradient.${m}.${block.id}`;
    if (isCut) lookupHops(cut, m, activation(embedding));
    else
      b.hop(
        { kind: 'embed', block: embedding, microbatch: m },
        b.program('embed', () => embedProgram(plan, shape)),
        { tokens: `tokens.${m}`, ...from('output', activation(embedding)) },
      );
    let before = embedding;
    for (const block of visited) {
      b.hop(
        { kind: 'forward', block, microbatch: m },
        b.program(`forward ${block.id}`, () => forwardProgram(plan, block, shape)),
        { ...at('input', activation(before)), ...from('output', activation(block)) },
      );
      before = block;
    }
    if (isCut) {
      lossHops(cut, m, { input: activation(before), inputGradient: gradient(before) });
    } else {
      const ofHead = gradientsOf(m, weights.frozen ? [] : [FINAL_NORM, headName(config)]);
      keep(head, m, ofHead.leaf);
      b.hop(
        { kind: 'loss', block: head, microbatch: m },
        b.program('loss', () => lossProgram(plan, shape, { objective, policy })),
        {
          ...ofHead.rename,
          ...at('input', activation(before)),
          targets: `targets.${m}`,
          weights: `weights.${m}`,
          ...(objective === 'policy'
            ? { advantages: `advantages.${m}`, oldLogprobs: `oldLogprobs.${m}` }
            : {}),
          loss: b.between(`loss.${m}`, [1]),
          logprobs: b.between(`logprobs.${m}`, [batch * length]),
          ...from('input.gradient', gradient(before)),
        },
      );
    }
    for (const [place, block] of [...visited.entries()].reverse()) {
      // Nothing below the first layers that a microbatch visits is trained when the embedding is frozen.
      const wanted = !weights.frozen || place > 0;
      const input = visited[place - 1] ?? embedding;
      const own = gradientsOf(
        m,
        block.trained.map(({ name }) => name),
      );
      keep(block, m, own.leaf);
      b.hop(
        { kind: 'backward', block, microbatch: m },
        b.program(`backward ${block.id} ${wanted}`, () => backwardProgram(plan, block, shape, { wanted })),
        {
          ...own.rename,
          ...at('input', activation(input)),
          ...at('output.gradient', gradient(block)),
          ...(wanted ? from('input.gradient', gradient(input)) : {}),
        },
      );
    }
    if (weights.frozen) continue;
    const lookup = gradientsOf(m, [config.tiedEmbedding ? LOOKUP : EMBEDDING]);
    keep(embedding, m, lookup.leaf);
    b.hop(
      { kind: 'backward', block: embedding, microbatch: m },
      b.program('backward embedding', () => embeddingBackwardProgram(plan, shape)),
      { ...lookup.rename, tokens: `tokens.${m}`, ...at('output.gradient', gradient(embedding)) },
    );
  }

  const gradients = new Map<string, string>();
  const zero = (name: string, size: readonly number[]) =>
    b.recipe.fixed(
      `zero.${name}`,
      size,
      fixedWords(plan, `zero.${name}`, () => new Float32Array(elementCount(size))),
    );
  for (const block of plan.blocks) {
    const sum = sumLeaves(b, block, leaves.get(block.id) ?? [], { count, order, partOf });
    for (const { name, shape: size } of block.trained) {
      const own = sum?.get(name) ?? zero(name, size);
      gradients.set(name, own);
    }
    const lookup = sum?.get(LOOKUP);
    const table = sum?.get(EMBEDDING);
    if (lookup === undefined || table === undefined) continue;
    const part = partOf(EMBEDDING);
    const total = b.between(`gradient.${EMBEDDING}`, part.shape);
    b.hop(
      { kind: 'sum', block },
      b.program('sum tied', () => sumProgram('head and lookup', [part])),
      { [`left.${EMBEDDING}`]: table, [`right.${EMBEDDING}`]: lookup, [`sum.${EMBEDDING}`]: total },
    );
    gradients.set(EMBEDDING, total);
  }

  const trainedBlocks = plan.blocks.filter(({ trained }) => trained.length > 0);
  const gradientNames = (block: Block) =>
    Object.fromEntries(block.trained.map(({ name }) => [`gradient.${name}`, gradients.get(name) ?? name]));
  for (const { name } of specs) b.between(`norm.${name}`, [1]);
  for (const block of trainedBlocks)
    b.hop(
      { kind: 'norm', block },
      b.program(`norm ${block.id}`, () => normProgram(block)),
      gradientNames(block),
    );
  b.between('clip', [1]);
  b.hop(
    { kind: 'clip', block: embedding },
    b.program('clip', () => clipProgram(specs, optimizer)),
    {},
  );
  for (const block of plan.blocks) {
    if (block.trained.length === 0) {
      // Its keepers say with it that they go on keeping the block.
      const kept = b.between(`kept.${block.id}`, [1]);
      b.hop({ kind: 'update', block }, b.program('kept', keptProgram), { kept });
      continue;
    }
    const program = b.program(`update ${block.id}`, () => updateProgram(block, optimizer));
    b.hop({ kind: 'update', block }, program, gradientNames(block));
  }
  const { recipe, hops } = b.build();
  return {
    plan,
    microbatches,
    paths,
    recipe,
    hops,
    gradients,
    bytesOf(tensor) {
      const found = recipe.tensors.get(tensor);
      if (found === undefined) throw new RangeError(`The step has no tensor ${tensor}.`);
      return elementCount(found.shape) * elementBytes(found.dtype);
    },
  };
}

function checkMicrobatches(plan: BlockPlan, { count, batch, length }: Microbatches): void {
  if (!Number.isInteger(count) || count < 1 || count > MOST_MICROBATCHES) {
    throw new BlockPlanError(`A step has 1 to ${MOST_MICROBATCHES} microbatches, not ${count}.`);
  }
  const { context } = plan.config;
  if (!Number.isInteger(batch) || batch < 1 || !Number.isInteger(length) || length < 1 || length > context) {
    throw new BlockPlanError(
      `A microbatch has whole rows of 1 to ${context} tokens, not ${batch} rows of ${length}.`,
    );
  }
}

const wordsOf = new WeakMap<BlockPlan, Map<string, Words>>();

/** Words that are the same in all steps of a plan, made once, so that a device keeps them on its engine. */
function fixedWords(plan: BlockPlan, key: string, make: () => Words): Words {
  const kept = wordsOf.get(plan) ?? new Map<string, Words>();
  wordsOf.set(plan, kept);
  const words = kept.get(key) ?? make();
  kept.set(key, words);
  return words;
}

/** Declares what is given at the start of a step. */
function declare(recipe: RecipeBuilder, options: BlockStepOptions, objective: Objective): void {
  const { plan, microbatches } = options;
  const { config, weights } = plan;
  const { count, batch, length } = microbatches;
  const N = batch * length;
  for (const block of plan.blocks) {
    for (const { name, shape, dtype } of frozenTensors(plan, block)) recipe.frozen(name, shape, dtype);
    for (const { name, shape } of versionTensors(block)) recipe.state(name, shape);
  }
  recipe.data('hyper', [3]);
  for (let m = 0; m < count; m++) {
    for (const what of ['tokens', 'targets'] as const)
      for (const name of idNames(plan, what, m)) recipe.data(name, [N], 'u32');
    recipe.data(`weights.${m}`, [N]);
    if (objective !== 'policy') continue;
    recipe.data(`advantages.${m}`, [N]);
    recipe.data(`oldLogprobs.${m}`, [N]);
  }
  const fixed = (name: string, shape: readonly number[], make: () => Words) => {
    recipe.fixed(name, shape, fixedWords(plan, `${name} ${shape} ${length}`, make));
  };
  if (objective === 'policy') fixed('ones', [N], () => new Float32Array(N).fill(1));
  const table = [config.context, config.headDim / 2];
  fixed('rope.cos', table, () => modelRopeTables(config, config.context).cos);
  fixed('rope.sin', table, () => modelRopeTables(config, config.context).sin);
  fixed('positions', [N], () => Uint32Array.from({ length: N }, (_, i) => i % length));
  const rank = weights.lora?.rank;
  if (rank !== undefined) fixed('lora.zero', [N, rank], () => new Float32Array(N * rank));
  for (const { name, shape, make } of vocabularyConstants(plan, microbatches)) fixed(name, shape, make);
}
