/**
 * What `npm run pipeline` trains: nano's shape, or one of ten million parameters, with a block for each run
 * of layers, and how its members work.
 */
import { blockPlan, evenLayers } from '../../models/blocks/block-plan.ts';
import { configJson, type DecoderConfig, NANO_CONFIG } from '../../models/decoder/config.ts';
import { TRAINED } from '../../models/decoder/forward.ts';
import type { LoraOptions } from '../../models/decoder/lora/adapters.ts';
import { characterTokenizerJson } from '../../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../../models/tokenizer/tokenizer.ts';
import type { HandoffDomain } from '../../protocol/handoff.ts';
import { type Hex, toHex } from '../../protocol/hex.ts';
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
  readonly shape: Shape;
  /** Whether adapters are trained beside frozen weights. */
  readonly adapters: boolean;
  /** Parts that the vocabulary is cut into beside adapters. 1: its table is whole. */
  readonly vocabularyParts: number;
  /** Of every message, in milliseconds, besides what threads take. */
  readonly roundTrip: number;
  /** Megabits that each member sends in a second at most. 0 for no limit. */
  readonly megabits: number;
}

/** Nano's, or one of ten million parameters. */
export const SHAPES = ['nano', 'ten'] as const;
export type Shape = (typeof SHAPES)[number];

const CONFIGS: Readonly<Record<Shape, DecoderConfig>> = {
  nano: NANO_CONFIG,
  ten: {
    ...NANO_CONFIG,
    ...{ hiddenSize: 320, layers: 10, heads: 5, kvHeads: 1, headDim: 64, feedForward: 800 },
  },
};
const LORA: LoraOptions = { rank: 4, alpha: 8, targets: ['q_proj', 'v_proj'] };

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
  const shape = CONFIGS[settings.shape];
  const config = { ...shape, layers: Math.max(shape.layers, layers) };
  return new BlockRun({
    plan: blockPlan({
      config,
      layers: evenLayers(config.layers, layers),
      weights: settings.adapters ? { frozen: true, lora: LORA } : TRAINED,
      vocabularyParts: settings.vocabularyParts,
    }),
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
