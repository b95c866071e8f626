/**
 * What `npm run pipeline` trains: nano's shape with a block for each run of layers, and how its members work.
 */
import { blockPlan, evenLayers } from '../../models/blocks/block-plan.ts';
import { type BlockVersion, blocksOf } from '../../models/blocks/block-version.ts';
import type { Checkpoint } from '../../models/decoder/checkpoint.ts';
import { configJson, NANO_CONFIG } from '../../models/decoder/config.ts';
import { initialParameters } from '../../models/decoder/initialize.ts';
import { freshState } from '../../models/decoder/state.ts';
import { characterTokenizerJson } from '../../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../../models/tokenizer/tokenizer.ts';
import type { HandoffDomain } from '../../protocol/handoff.ts';
import { type Hex, toHex } from '../../protocol/hex.ts';
import { RandomStream } from '../../protocol/philox.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { BlockRun } from '../../training/blocks/block-run.ts';
import { completionTokenizer } from '../../training/completion-tokenizer.ts';
import { shortFormat } from '../../training/short-format.ts';
import { NANO_SELECTION } from '../../training/tasks/catalogue.ts';
import { openTasks } from '../../training/tasks/task-source.ts';

/** Plain data, so that threads can be given it. */
export interface PipelineSettings {
  readonly members: number;
  /** The embedding with the head, and blocks of layers. */
  readonly blocks: number;
  /** Share of the blocks of layers that a microbatch leaves out. */
  readonly skip: number;
  readonly steps: number;
  readonly kills: number;
  /** Devices that keep each block. */
  readonly copies: number;
  /** Everything random follows from it: weights, questions, paths, and who is killed when. */
  readonly seed: number;
}

/** Rows of a microbatch, and tokens of a row. */
export const ROWS = 8;
export const LENGTH = 32;
/** Microbatches of a step are at least so many. */
const FEWEST_MICROBATCHES = 8;
const LEARNING_RATE = 1e-3;

/** Signatures are made for no chain: nobody can be blamed for a rehearsal. */
export const DOMAIN: HandoffDomain = { chainId: 0, verifyingContract: `0x${'00'.repeat(20)}` };

/** Stages that a microbatch visits, the embedding's included. */
export function visitedStages({ blocks, skip }: PipelineSettings): number {
  return blocks - Math.round(skip * (blocks - 1));
}

/** Microbatches of a step: so many that every block of layers gets equally many. */
export function microbatchesOf(settings: PipelineSettings): number {
  const [behind, all] = [visitedStages(settings) - 1, settings.blocks - 1];
  let share = 1;
  while ((share * behind) % all !== 0) share++;
  return share * Math.ceil(FEWEST_MICROBATCHES / share);
}

/** What all members compute. Throws BlockPlanError or PathPlanError for settings that do not fit. */
export async function openRun(settings: PipelineSettings): Promise<BlockRun> {
  const layers = settings.blocks - 1;
  const config = { ...NANO_CONFIG, layers: Math.max(NANO_CONFIG.layers, layers) };
  return new BlockRun({
    plan: blockPlan({ config, layers: evenLayers(config.layers, layers) }),
    microbatches: { count: microbatchesOf(settings), batch: ROWS, length: LENGTH },
    seed: new Uint8Array(32).fill(settings.seed),
    tasks: await openTasks(NANO_SELECTION, new Map()),
    format: shortFormat(completionTokenizer(new Tokenizer(characterTokenizerJson()))),
    visited: visitedStages(settings),
    learningRate: LEARNING_RATE,
  });
}

/** Names what is computed: paths belong to it, so that a run with others has another name. */
export function programOf(run: BlockRun, steps: number): Hex {
  const paths = Array.from({ length: steps }, (_, step) => run.paths(step));
  const blocks = run.plan.blocks.map(({ id }) => id);
  return toHex(
    sha256Of(new TextEncoder().encode(JSON.stringify([configJson(run.plan.config), blocks, paths]))),
  );
}

/** The model at the beginning: random weights that follow from the seed. */
export function firstCheckpoint(run: BlockRun, seed: number): Checkpoint {
  const { config } = run.plan;
  const stream = new RandomStream([seed, 0]);
  const parameters = initialParameters({
    config,
    draw: (tensor, element, part) => stream.word(tensor, element, part),
  });
  return { config, cursor: 0, rngKey: '0x00000000', state: freshState(config, parameters) };
}

/** The blocks of the model at the beginning. */
export function firstVersions(run: BlockRun, seed: number): readonly BlockVersion[] {
  return blocksOf(run.plan, firstCheckpoint(run, seed).state);
}
