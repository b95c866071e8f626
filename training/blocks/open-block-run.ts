/**
 * Opens the run of a swarm that trains a model in blocks: the model's small files, its tasks, its settings.
 */
import { BlockPlanError, blockOf } from '../../models/blocks/block-plan.ts';
import { type BlockVersion, frozenReads, frozenWeights } from '../../models/blocks/block-version.ts';
import { firstAdapters, firstVersion } from '../../models/blocks/first-version.ts';
import type { TensorBytes } from '../../models/blocks/hop-computer.ts';
import type { LoraOptions } from '../../models/decoder/lora/adapters.ts';
import { frozenRoot } from '../../models/decoder/lora/frozen-root.ts';
import type { ModelSource } from '../../models/loading/model-source.ts';
import { openDescription } from '../../models/loading/open-model.ts';
import { openWeights, type WeightFiles } from '../../models/loading/weight-files.ts';
import type { FilePart } from '../../protocol/file-part.ts';
import { fromHex, type Hex, toHex } from '../../protocol/hex.ts';
import { memoizePromise, PromiseMemo } from '../../protocol/memoize-promise.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { layerBlockCount, unfitBlocks } from '../../protocol/swarm-blocks.ts';
import type { BlockSettings, SwarmSpec, TaskSelection } from '../../protocol/swarm-spec.ts';
import { adapterDraws } from '../learning-checkpoint.ts';
import { DEFAULT_SETTINGS } from '../learning-settings.ts';
import { loraOf } from '../lora-of.ts';
import { modelFormat } from '../model-format.ts';
import { type DataSetTexts, openTasks } from '../tasks/task-source.ts';
import { BlockRun, type BlockRunOptions } from './block-run.ts';
import { swarmBlockPlan } from './swarm-block-plan.ts';

/** Everything of a run but its model, as plain data. */
export interface BlockRunSettings extends Pick<BlockRunOptions, 'learningRate' | 'warmupSteps'> {
  /** As the swarm's specification has them. */
  readonly blocks: BlockSettings;
  /** 32 bytes. */
  readonly seed: Hex;
  readonly tasks: TaskSelection;
  /** The adapters that are trained beside frozen weights. Defaults to none: all weights are trained. */
  readonly lora?: LoraOptions;
  /**
   * The root of the frozen weights, where the swarm's specification names it ([S-14]). Defaults to what the
   * whole model's weights have, which are read for it.
   */
  readonly frozenRoot?: Hex;
}

/** The seed of a swarm's run in blocks: sha2-256 of the content id of its specification. */
export function blockSeedOf(spec: string): Hex {
  return toHex(sha256Of(new TextEncoder().encode(`starling/block-seed/1\n${spec}`)));
}

/**
 * The run of a swarm that trains in blocks. `seed` is the swarm's own. Undefined for a swarm whose members
 * each have the whole model.
 */
export function blockRunSettings(
  { base, blocks, tasks, round, trained }: SwarmSpec,
  seed: Hex,
): BlockRunSettings | undefined {
  if (blocks === undefined) return undefined;
  const { learningRate, warmupSteps } = round;
  const settings = { blocks, seed, tasks, learningRate, warmupSteps };
  if (trained.kind === 'full') return settings;
  const frozenRoot = base.kind === 'files' ? base.frozenRoot : undefined;
  return { ...settings, lora: loraOf(trained), ...(frozenRoot === undefined ? {} : { frozenRoot }) };
}

export interface OpenBlockRunOptions {
  readonly source: ModelSource;
  readonly settings: BlockRunSettings;
  /** The file of each data set of the tasks, by its id. Defaults to none. */
  readonly dataSets?: DataSetTexts;
  readonly signal?: AbortSignal;
}

export interface OpenedBlockRun {
  readonly run: BlockRun;
  /** A block as the run starts with it. Reads the block's tensors from the model's files. */
  first(block: string, signal?: AbortSignal): Promise<BlockVersion>;
  /** The block's weights that no step changes, from the model's files. None where all are trained. */
  frozen(block: string, signal?: AbortSignal): Promise<TensorBytes>;
  /** Where these weights lie in the model's files. */
  frozenParts(block: string): Promise<readonly FilePart[]>;
  /**
   * The root of the frozen weights beside which adapters are trained (`frozenRoot`), or null where all
   * weights are trained. Reads the whole model once, one tensor after another, unless the settings have it.
   */
  base(signal?: AbortSignal): Promise<Hex | null>;
}

/**
 * Opens a run. It reads no weights. Throws ModelLoadError, ModelConfigError or TokenizerError for a bad
 * model, what `openTasks` throws for the tasks, BlockPlanError or PathPlanError for settings that do not fit
 * the model ([S-12]), and BlockRunError where no question fits a row.
 */
export async function openBlockRun(options: OpenBlockRunOptions): Promise<OpenedBlockRun> {
  const { source, settings, dataSets = new Map(), signal } = options;
  const { blocks, seed, tasks, lora, frozenRoot: named, ...rest } = settings;
  const { config, tokenizer, generation } = await openDescription(source, signal);
  const [unfit] = unfitBlocks({ blocks }, config);
  if (unfit !== undefined) throw new BlockPlanError(unfit.sentence);
  const weights = memoizePromise((): Promise<WeightFiles> => openWeights(source, config));
  const count = layerBlockCount(config.layers, blocks);
  const plan = swarmBlockPlan({ config, blocks, lora });
  const run = new BlockRun({
    ...rest,
    plan,
    microbatches: { count: blocks.microbatches, batch: blocks.rows, length: blocks.length },
    visited: 1 + count - blocks.skipped,
    fullEvery: blocks.fullEvery,
    boundary: blocks.boundary,
    seed: fromHex(seed),
    tasks: await openTasks(tasks, dataSets),
    format: modelFormat({ tokenizer, endTokens: generation.endTokens, settings: DEFAULT_SETTINGS }),
  });
  // Rows that are too short for the questions are told now, and not in a step that nobody can begin.
  run.data(0);
  const roots = new PromiseMemo<'base', Hex>();
  const base = async (stop?: AbortSignal): Promise<Hex> =>
    named ?? roots.get('base', async () => frozenRoot(config, await weights(), { signal: stop }));
  return {
    run,
    async first(block, stop) {
      if (lora !== undefined) return firstAdapters(plan, block, adapterDraws(await base(stop)));
      return firstVersion(plan, block, await weights(), stop);
    },
    frozen: async (block, stop) =>
      frozenWeights(plan, blockOf(plan, block), await weights(), { signal: stop }),
    async frozenParts(block) {
      const files = await weights();
      return frozenReads(plan, blockOf(plan, block)).map(({ name, range }) => files.partOf(name, range));
    },
    base: async (stop) => (lora === undefined ? null : base(stop)),
  };
}
