/**
 * A decoder cut into blocks, each of which one device can hold: runs of layers, the embedding, and final norm
 * with head. docs/blocks.md has the rules.
 */
import { type DType, elementBytes, elementCount } from '../../compute/repops/program.ts';
import { trainedSpecs } from '../decoder/backward.ts';
import { type DecoderConfig, type ParameterSpec, parameterSpecs } from '../decoder/config.ts';
import {
  EMBEDDING,
  FINAL_NORM,
  headName,
  parameterDType,
  TRAINED,
  type WeightPlan,
} from '../decoder/forward.ts';
import { adapterNames } from '../decoder/lora/adapters.ts';
import { partName, type VocabularyPart, vocabularyParts } from './vocabulary-part.ts';

export type BlockKind = 'embedding' | 'layers' | 'head' | 'vocabulary';

export interface Block {
  /**
   * `embedding`, `head`, `layers.` and the first and last layer: `layers.0-1`, or `vocabulary.` and the
   * number of a part from 1 on.
   */
  readonly id: string;
  /**
   * `embedding` holds final norm and head too where the head is the embedding table, or where the vocabulary
   * is cut into parts.
   */
  readonly kind: BlockKind;
  /** The layers that it computes, ascending. */
  readonly layers: readonly number[];
  /** The model's parameters that it holds whole, by their names in the checkpoint. */
  readonly parameters: readonly string[];
  /** Its part of the vocabulary's tables, where these are cut. */
  readonly part?: VocabularyPart;
  /** The tensors that a step changes: its parameters, or the adapters of its frozen layers. */
  readonly trained: readonly ParameterSpec[];
  /** Whether a microbatch's path may leave it out. */
  readonly skippable: boolean;
}

/** A block with a part of the vocabulary's tables. */
export type PartBlock = Block & { readonly part: VocabularyPart };

export interface BlockPlan {
  readonly config: DecoderConfig;
  readonly weights: WeightPlan;
  /**
   * The embedding, the layers' blocks in order, and the head unless it is the embedding table, or the other
   * parts of the vocabulary. The layers' block of stage s (1, 2, ...) is element s.
   */
  readonly blocks: readonly Block[];
}

/**
 * Stages of the layers' blocks that a microbatch visits, in order, counted from 1. Stage 0 is the embedding
 * with the head, where every path begins and ends. As `StageOrder` in pipeline/path-plan.ts.
 */
export type BlockPath = readonly number[];

/** Layers cannot be cut so, or a path is not one of this model's. The message tells the remedy. */
export class BlockPlanError extends Error {
  override readonly name = 'BlockPlanError';
}

/** As many stages as pipeline/legal-orders.ts takes, the embedding's included. */
const MOST_STAGES = 16;
/** Most parts of a vocabulary. Every part reads and gives an activation of each microbatch. */
const MOST_PARTS = 16;

export interface BlockPlanOptions {
  readonly config: DecoderConfig;
  /** Number of layers of each of the layers' blocks, in order. `evenLayers` gives equal ones. */
  readonly layers: readonly number[];
  /** Defaults to `TRAINED`: every parameter is f32 and in training. */
  readonly weights?: WeightPlan;
  /** Stages that no path may leave out. Defaults to none beyond embedding and head. */
  readonly required?: readonly number[];
  /**
   * Parts that the vocabulary's tables are cut into, each in a block, where weights are frozen. Defaults to
   * 1: every table is whole.
   */
  readonly vocabularyParts?: number;
}

/** Cuts `layers` layers into `blocks` blocks whose sizes differ by at most 1, the larger ones first. */
export function evenLayers(layers: number, blocks: number): number[] {
  if (!Number.isInteger(blocks) || blocks < 1 || blocks > layers) {
    throw new BlockPlanError(`${layers} layers make 1 to ${layers} blocks, not ${blocks}.`);
  }
  return Array.from({ length: blocks }, (_, i) => Math.ceil((layers - i) / blocks));
}

/** The blocks of a model. Throws BlockPlanError for numbers of layers that do not make up the model. */
export function blockPlan(options: BlockPlanOptions): BlockPlan {
  const { config, layers, weights = TRAINED, required = [], vocabularyParts: count = 1 } = options;
  if (layers.length < 1 || layers.length >= MOST_STAGES) {
    throw new BlockPlanError(`A model has 1 to ${MOST_STAGES - 1} blocks of layers, not ${layers.length}.`);
  }
  if (layers.some((count) => !Number.isInteger(count) || count < 1)) {
    throw new BlockPlanError(`Each block needs at least one whole layer: change ${JSON.stringify(layers)}.`);
  }
  const sum = layers.reduce((total, count) => total + count, 0);
  if (sum !== config.layers) {
    throw new BlockPlanError(`The blocks have ${sum} layers and the model ${config.layers}: use each once.`);
  }
  const foreign = required.find((stage) => !isStage(stage, layers.length));
  if (foreign !== undefined) {
    throw new BlockPlanError(`There is no stage ${foreign} to require: stages are 1 to ${layers.length}.`);
  }
  if (trainedSpecs(config, weights).length === 0) {
    throw new BlockPlanError('Frozen weights without adapters leave nothing to train: add adapters.');
  }
  if (!Number.isInteger(count) || count < 1 || count > Math.min(MOST_PARTS, config.vocabulary)) {
    throw new BlockPlanError(`A vocabulary is cut into 1 to ${MOST_PARTS} parts, not ${count}.`);
  }
  if (count > 1 && !weights.frozen) {
    throw new BlockPlanError('A vocabulary in training is not cut: freeze the weights, or use one part.');
  }
  const isCut = count > 1;
  const parts = isCut ? vocabularyParts(config.vocabulary, count) : [];
  const blocks: Block[] = [];
  const add = (
    part: Pick<Block, 'id' | 'kind' | 'layers' | 'skippable' | 'part'>,
    has: (name: string) => boolean,
  ) => {
    const specs = parameterSpecs(config).filter(({ name }) => has(name));
    blocks.push({
      ...part,
      parameters: specs.map(({ name }) => name),
      trained: trainedOf(config, weights, specs),
    });
  };
  const isHead = (name: string) => name === FINAL_NORM || name === headName(config);
  const layerless = { kind: 'vocabulary', layers: [], skippable: false } as const;
  const [own, ...others] = parts;
  if (own === undefined) {
    add(
      { ...layerless, id: 'embedding', kind: 'embedding' },
      (name) => name === EMBEDDING || (config.tiedEmbedding && isHead(name)),
    );
  } else {
    add({ ...layerless, id: 'embedding', kind: 'embedding', part: own }, (name) => name === FINAL_NORM);
  }
  let first = 0;
  for (const [index, count] of layers.entries()) {
    const own = Array.from({ length: count }, (_, i) => first + i);
    const prefixes = own.map((layer) => `model.layers.${layer}.`);
    add(
      {
        id: `layers.${first}-${first + count - 1}`,
        kind: 'layers',
        layers: own,
        skippable: !required.includes(index + 1),
      },
      (name) => prefixes.some((prefix) => name.startsWith(prefix)),
    );
    first += count;
  }
  if (!isCut && !config.tiedEmbedding) add({ ...layerless, id: 'head', kind: 'head' }, isHead);
  for (const [k, part] of others.entries())
    add({ ...layerless, id: `vocabulary.${k + 1}`, part }, () => false);
  return { config, weights, blocks };
}

function isStage(stage: number, stages: number): boolean {
  return Number.isInteger(stage) && stage >= 1 && stage <= stages;
}

/** The trained tensors that belong to these parameters, in the order of gradient norms. */
function trainedOf(
  config: DecoderConfig,
  weights: WeightPlan,
  specs: readonly ParameterSpec[],
): readonly ParameterSpec[] {
  const names = new Set(
    specs.flatMap(({ name }) => {
      const { a, b } = adapterNames(name);
      return [name, a, b];
    }),
  );
  return trainedSpecs(config, weights).filter(({ name }) => names.has(name));
}

/** The block with that id. Throws BlockPlanError if there is none. */
export function blockOf(plan: BlockPlan, id: string): Block {
  const block = plan.blocks.find((candidate) => candidate.id === id);
  if (block === undefined) {
    throw new BlockPlanError(
      `There is no block ${id.slice(0, 40)}: there are ${plan.blocks.map((one) => one.id).join(', ')}.`,
    );
  }
  return block;
}

/** The block that looks tokens up. */
export function embeddingBlock(plan: BlockPlan): Block {
  return blockOf(plan, 'embedding');
}

/** The block with the final norm: the embedding's where the table is tied, or the vocabulary is cut. */
export function headBlock(plan: BlockPlan): Block {
  return plan.blocks.find(({ kind }) => kind === 'head') ?? embeddingBlock(plan);
}

/** The blocks with parts of the vocabulary's tables, in order. None where the tables are whole. */
export function partBlocks(plan: BlockPlan): readonly PartBlock[] {
  return plan.blocks.filter((block): block is PartBlock => block.part !== undefined);
}

/** The layers' blocks, in order: stages 1, 2, ... */
export function layerBlocks(plan: BlockPlan): readonly Block[] {
  return plan.blocks.filter(({ kind }) => kind === 'layers');
}

/**
 * The paths of a step's microbatches, checked. `full` is every stage in order for each. Throws BlockPlanError
 * for a path that names no stage of the model, one twice, or leaves out what may not be skipped.
 */
export function checkedPaths(
  plan: BlockPlan,
  count: number,
  paths: readonly BlockPath[] | 'full',
): readonly BlockPath[] {
  const layers = layerBlocks(plan);
  const stages = layers.map((_, index) => index + 1);
  if (paths === 'full') return Array.from({ length: count }, () => stages);
  if (paths.length !== count) {
    throw new BlockPlanError(`${count} microbatches need a path each; there are ${paths.length} paths.`);
  }
  for (const [microbatch, path] of paths.entries()) {
    const where = `The path of microbatch ${microbatch}`;
    const foreign = path.find((stage) => !isStage(stage, layers.length));
    if (foreign !== undefined) {
      throw new BlockPlanError(`${where} visits stage ${foreign}: name stages 1 to ${layers.length}.`);
    }
    if (path.length === 0) throw new BlockPlanError(`${where} visits no layers: name at least one stage.`);
    if (new Set(path).size !== path.length) {
      throw new BlockPlanError(`${where} visits a stage twice: name each at most once.`);
    }
    const missed = layers.find((block, index) => !block.skippable && !path.includes(index + 1));
    if (missed !== undefined) {
      throw new BlockPlanError(`${where} leaves out ${missed.id}, which may not be skipped.`);
    }
  }
  return paths;
}

/** The tensors of a block's version: what a step changes, with both moments. All are f32. */
export function versionTensors(block: Block): readonly ParameterSpec[] {
  return ['', 'optimizer.m.', 'optimizer.v.'].flatMap((prefix) =>
    block.trained.map(({ name, shape }) => ({ name: prefix + name, shape })),
  );
}

/** A weight that no step changes, as a device holds it. */
export interface FrozenTensor extends ParameterSpec {
  readonly dtype: DType;
  /** The table of which it has some rows. Absent for a whole parameter. */
  readonly rowsOf?: { readonly table: string; readonly part: VocabularyPart };
}

/** The weights of a block that no step changes: its parameters where adapters are trained beside them. */
export function frozenTensors(plan: BlockPlan, block: Block): readonly FrozenTensor[] {
  if (!plan.weights.frozen) return [];
  const { config, weights } = plan;
  const whole = parameterSpecs(config)
    .filter(({ name }) => block.parameters.includes(name))
    .map(({ name, shape }) => ({ name, shape, dtype: parameterDType(weights, shape) }));
  const { part } = block;
  if (part === undefined) return whole;
  const parts = [...new Set([EMBEDDING, headName(config)])].map((table) => {
    const shape = [part.rows, config.hiddenSize];
    return {
      name: partName(table, part),
      shape,
      dtype: parameterDType(weights, shape),
      rowsOf: { table, part },
    };
  });
  return [...whole, ...parts];
}

/** Bytes of a block on a device: its frozen weights, and its version. */
export function blockBytes(plan: BlockPlan, block: Block): number {
  const bytes = (shape: readonly number[], dtype: DType) => elementCount(shape) * elementBytes(dtype);
  return [
    ...frozenTensors(plan, block).map(({ shape, dtype }) => bytes(shape, dtype)),
    ...versionTensors(block).map(({ shape }) => bytes(shape, 'f32')),
  ].reduce((sum, size) => sum + size, 0);
}
