/**
 * The specification of a training run, as plain data. Whoever holds it and the first checkpoint can recompute
 * every step, because all inputs of a step (questions, draws, tables, learning rates) follow from these
 * fields.
 */
import { decode, encode } from '@ipld/dag-cbor';
import { type BlockPath, BlockPlanError, blockPlan, checkedPaths } from '../models/blocks/block-plan.ts';
import { checkpointRoot } from '../models/checkpoint/root.ts';
import { DEFAULT_OPTIMIZER, type OptimizerOptions } from '../models/decoder/adamw.ts';
import type { Checkpoint } from '../models/decoder/checkpoint.ts';
import { checkpointContents } from '../models/decoder/checkpoint.ts';
import { configJson, type DecoderConfig, parseConfig } from '../models/decoder/config.ts';
import { DEFAULT_POLICY, type PolicyOptions } from '../models/decoder/decoder.ts';
import { CHARACTER_VOCABULARY_SIZE } from '../models/tokenizer/character-vocabulary.ts';
import type { Hex } from '../protocol/hex.ts';

/** Next-token training on the examples of training/pretraining.ts. */
export interface SupervisedWork {
  readonly kind: 'supervised';
  readonly rows: number;
  /** Tokens per row. An example that does not fit is drawn again. */
  readonly length: number;
}

/**
 * Reinforcement learning on sampled answers: `samples` answers to each of `items` questions, with each token
 * compared with the right token at its place (GRPO with process supervision, arXiv 2402.03300). Sampling,
 * rewards and advantages are operators of the step.
 */
export interface PolicyWork {
  readonly kind: 'policy';
  readonly items: number;
  /** Answers per question: 2, 4, 8 or 16. */
  readonly samples: number;
  /** Tokens of every prompt, start token included. A question of another length is drawn again. */
  readonly promptLength: number;
  /** Tokens sampled for each answer. */
  readonly answerLength: number;
  readonly clip: PolicyOptions;
}

/** As `supervised`, over a model in blocks (docs/blocks.md): the paths of its microbatches, in every step. */
export interface BlocksWork {
  readonly kind: 'blocks';
  /** Rows of each microbatch. */
  readonly rows: number;
  /** Tokens per row. An example that does not fit is drawn again. */
  readonly length: number;
  /** Number of layers of each of the layers' blocks, in order. */
  readonly layers: readonly number[];
  /** For each microbatch, the stages that it visits. */
  readonly paths: readonly BlockPath[];
  /** Rounding of what passes from block to block. Defaults to none. */
  readonly boundary?: 'bf16' | 'int8';
}

export type Work = SupervisedWork | PolicyWork | BlocksWork;

/** The first checkpoint: its root, and the metadata that every later checkpoint repeats. */
export interface RunStart {
  readonly root: Hex;
  readonly step: number;
  readonly cursor: number;
  readonly rngKey: Hex;
  readonly training?: string;
}

export interface RunSpec {
  readonly config: DecoderConfig;
  readonly optimizer: OptimizerOptions;
  readonly start: RunStart;
  readonly steps: number;
  /** 32 bytes. Every question and draw follows from it and the number of the step. */
  readonly seed: Hex;
  readonly learningRate: number;
  readonly work: Work;
}

/** A run specification is malformed or out of bounds. */
export class RunSpecError extends Error {
  override readonly name = 'RunSpecError';
}

const FORMAT = 'starling-run-1';
/** Most bytes of an encoded specification. */
const MAX_BYTES = 16_384;
const MAX_STEPS = 65_536;
/** Most characters of the training settings, so that the metadata fit one leaf of 4 KiB. */
const MAX_TRAINING = 2_048;
/** Largest shapes with a known cost of judging (docs/verde.md): no judge call takes more than 10 M gas. */
const LIMITS = { hiddenSize: 64, feedForward: 172, headDim: 16, heads: 4, layers: 8, context: 64 } as const;
const MAX_POSITIONS = 4_096;
/** Most microbatches of a step over blocks, since each has slots of its own. */
const MAX_MICROBATCHES = 64;
/**
 * Most questions of a run, since making all of them for the root over the data must take no more than
 * seconds.
 */
const MAX_ROWS = 2 ** 18;

function fail(problem: string): never {
  throw new RunSpecError(`Not a usable run specification: ${problem}.`);
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown, what: string, names: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) fail(`${what} must be an object`);
  const fields = value as Fields;
  for (const name of Object.keys(fields)) {
    if (!names.includes(name)) fail(`${what} has an unknown field ${name.slice(0, 40)}`);
  }
  return fields;
}

function whole(fields: Fields, name: string, low: number, high: number): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < low || value > high) {
    fail(`${name} must be a whole number from ${low} to ${high}`);
  }
  return value;
}

function real(fields: Fields, name: string, low: number, high: number): number {
  const value = fields[name];
  if (typeof value !== 'number' || !(value >= low && value <= high)) {
    fail(`${name} must be a number from ${low} to ${high}`);
  }
  return value;
}

function hex(fields: Fields, name: string, low: number, high: number): Hex {
  const value = fields[name];
  if (typeof value !== 'string' || !new RegExp(`^0x(?:[0-9a-f]{2}){${low},${high}}$`).test(value)) {
    fail(`${name} must be ${low === high ? low : `${low} to ${high}`} bytes of lower-case 0x hex`);
  }
  return value as Hex;
}

function configOf(value: unknown): DecoderConfig {
  const config = parseConfig(value);
  for (const name of Object.keys(LIMITS) as (keyof typeof LIMITS)[]) {
    if (config[name] > LIMITS[name]) {
      fail(
        `${name} is ${config[name]} and the judge's cost is known up to ${LIMITS[name]}; claim a smaller model`,
      );
    }
  }
  if (config.ropeInterleaved === true) {
    fail('rotary pairs of neighbours have no judge; claim a model with rotary halves');
  }
  if (config.vocabulary !== CHARACTER_VOCABULARY_SIZE) {
    fail(`the vocabulary must be the ${CHARACTER_VOCABULARY_SIZE} characters of the built-in model`);
  }
  return config;
}

function optimizerOf(value: unknown): OptimizerOptions {
  const fields = fieldsOf(value, 'optimizer', ['beta1', 'beta2', 'eps', 'weightDecay', 'maxNorm']);
  return {
    beta1: real(fields, 'beta1', 0, 0.9999),
    beta2: real(fields, 'beta2', 0, 0.99999),
    eps: real(fields, 'eps', 1e-12, 1),
    weightDecay: real(fields, 'weightDecay', 0, 1),
    maxNorm: real(fields, 'maxNorm', 1e-6, 1e6),
  };
}

function startOf(value: unknown): RunStart {
  const fields = fieldsOf(value, 'start', ['root', 'step', 'cursor', 'rng', 'training']);
  const { training } = fields;
  if (training !== undefined && (typeof training !== 'string' || training.length > MAX_TRAINING)) {
    fail(`training must be text of at most ${MAX_TRAINING} characters`);
  }
  return {
    root: hex(fields, 'root', 32, 32),
    step: whole(fields, 'step', 0, 2 ** 40),
    cursor: whole(fields, 'cursor', 0, 2 ** 40),
    rngKey: hex(fields, 'rng', 4, 64),
    training,
  };
}

function list(fields: Fields, name: string, most: number): readonly unknown[] {
  const value = fields[name];
  if (!Array.isArray(value) || value.length < 1 || value.length > most) {
    fail(`${name} must be a list of 1 to ${most} entries`);
  }
  return value;
}

function numbers(value: unknown, name: string, most: number): readonly number[] {
  if (!Array.isArray(value) || value.length > most || !value.every((entry) => Number.isInteger(entry))) {
    fail(`${name} must be lists of at most ${most} whole numbers`);
  }
  return value;
}

function blocksWork(value: unknown, config: DecoderConfig): BlocksWork {
  const fields = fieldsOf(value, 'work', ['kind', 'rows', 'length', 'layers', 'paths', 'boundary']);
  const rows = whole(fields, 'rows', 1, MAX_POSITIONS);
  const length = whole(fields, 'length', 8, config.context);
  const layers = numbers(fields.layers, 'layers', LIMITS.layers);
  const paths = list(fields, 'paths', MAX_MICROBATCHES).map((path) => numbers(path, 'paths', LIMITS.layers));
  if (paths.length * rows * length > MAX_POSITIONS) {
    fail(`paths x rows x length must be at most ${MAX_POSITIONS}`);
  }
  try {
    checkedPaths(blockPlan({ config, layers }), paths.length, paths);
  } catch (error) {
    if (error instanceof BlockPlanError) fail(error.message.replace(/\.$/, ''));
    throw error;
  }
  const { boundary } = fields;
  if (boundary !== undefined && boundary !== 'bf16' && boundary !== 'int8') {
    fail('boundary must be "bf16" or "int8", or absent');
  }
  if (boundary === 'int8' && config.hiddenSize % 4 !== 0) {
    fail('a boundary of int8 needs a hidden_size that is a multiple of 4');
  }
  return { kind: 'blocks', rows, length, layers, paths, ...(boundary === undefined ? {} : { boundary }) };
}

function workOf(value: unknown, config: DecoderConfig): Work {
  const kind = (value as Fields | null)?.kind;
  if (kind === 'blocks') return blocksWork(value, config);
  if (kind === 'supervised') {
    const fields = fieldsOf(value, 'work', ['kind', 'rows', 'length']);
    const rows = whole(fields, 'rows', 1, MAX_POSITIONS);
    const length = whole(fields, 'length', 8, config.context);
    if (rows * length > MAX_POSITIONS) fail(`rows x length must be at most ${MAX_POSITIONS}`);
    return { kind, rows, length };
  }
  if (kind === 'policy') {
    const fields = fieldsOf(value, 'work', [
      'kind',
      'items',
      'samples',
      'promptLength',
      'answerLength',
      'clip',
    ]);
    const items = whole(fields, 'items', 1, 256);
    const samples = whole(fields, 'samples', 2, 16);
    if (![2, 4, 8, 16].includes(samples)) fail('samples must be 2, 4, 8 or 16');
    const promptLength = whole(fields, 'promptLength', 3, config.context);
    const answerLength = whole(fields, 'answerLength', 2, 9);
    if (promptLength + answerLength > config.context) fail('prompt and answer exceed the context');
    if (items * samples * (promptLength + answerLength) > MAX_POSITIONS) {
      fail(`items x samples x (promptLength + answerLength) must be at most ${MAX_POSITIONS}`);
    }
    const clip = fieldsOf(fields.clip, 'clip', ['clipLow', 'clipHigh', 'ratioCap']);
    return {
      kind,
      items,
      samples,
      promptLength,
      answerLength,
      clip: {
        clipLow: real(clip, 'clipLow', 0, 1),
        clipHigh: real(clip, 'clipHigh', 1, 100),
        ratioCap: real(clip, 'ratioCap', 1, 100),
      },
    };
  }
  fail('work.kind must be "supervised", "policy" or "blocks"');
}

/** Number of questions that are drawn for each step. */
export function questionsOf(work: Work): number {
  if (work.kind === 'policy') return work.items;
  return work.kind === 'blocks' ? work.rows * work.paths.length : work.rows;
}

/**
 * Reads a specification from parsed JSON or DAG-CBOR. Throws RunSpecError or ModelConfigError for bad fields.
 */
export function parseRunSpec(value: unknown): RunSpec {
  const fields = fieldsOf(value, 'the specification', [
    'format',
    'config',
    'optimizer',
    'start',
    'steps',
    'seed',
    'learningRate',
    'work',
  ]);
  if (fields.format !== FORMAT) fail(`its format is not ${FORMAT}`);
  const config = configOf(fields.config);
  const work = workOf(fields.work, config);
  const steps = whole(fields, 'steps', 1, MAX_STEPS);
  if (steps * questionsOf(work) > MAX_ROWS) {
    fail(`it has more than ${MAX_ROWS} questions in all; make several runs of it`);
  }
  return {
    config,
    optimizer: optimizerOf(fields.optimizer),
    start: startOf(fields.start),
    steps,
    seed: hex(fields, 'seed', 32, 32),
    learningRate: real(fields, 'learningRate', 0, 1),
    work,
  };
}

/** The plain object that `parseRunSpec` reads back. It can be encoded as JSON and as DAG-CBOR. */
export function runSpecFields(spec: RunSpec): Record<string, unknown> {
  const { root, step, cursor, rngKey, training } = spec.start;
  return {
    format: FORMAT,
    config: configJson(spec.config),
    optimizer: { ...spec.optimizer },
    start: { root, step, cursor, rng: rngKey, ...(training === undefined ? {} : { training }) },
    steps: spec.steps,
    seed: spec.seed,
    learningRate: spec.learningRate,
    work: { ...spec.work },
  };
}

/** The specification as DAG-CBOR. Equal specifications give equal bytes. */
export function encodeRunSpec(spec: RunSpec): Uint8Array {
  return encode(runSpecFields(spec));
}

/**
 * Reads what `encodeRunSpec` or `JSON.stringify(runSpecFields(spec))` wrote. Throws RunSpecError or
 * ModelConfigError.
 */
export function decodeRunSpec(bytes: Uint8Array): RunSpec {
  if (bytes.length > MAX_BYTES) fail(`it has more than ${MAX_BYTES} bytes`);
  let value: unknown;
  try {
    // A DAG-CBOR map never starts with the byte of "{".
    value = bytes[0] === 0x7b ? JSON.parse(new TextDecoder().decode(bytes)) : decode(bytes);
  } catch {
    fail('it is neither DAG-CBOR nor JSON');
  }
  return parseRunSpec(value);
}

export interface RunSpecOptions {
  /** The first checkpoint. */
  readonly start: Checkpoint;
  readonly steps: number;
  readonly seed: Hex;
  readonly learningRate: number;
  readonly work: SupervisedWork | BlocksWork | (Omit<PolicyWork, 'clip'> & { readonly clip?: PolicyOptions });
  readonly optimizer?: OptimizerOptions;
}

/** The specification of training from a checkpoint. Throws RunSpecError when it is out of bounds. */
export function runSpecOf(options: RunSpecOptions): RunSpec {
  const { start, work } = options;
  return parseRunSpec(
    runSpecFields({
      config: start.config,
      optimizer: options.optimizer ?? DEFAULT_OPTIMIZER,
      start: {
        root: checkpointRoot(checkpointContents(start)),
        step: start.state.step,
        cursor: start.cursor,
        rngKey: start.rngKey,
        training: start.training,
      },
      steps: options.steps,
      seed: options.seed,
      learningRate: options.learningRate,
      work: work.kind === 'policy' ? { ...work, clip: work.clip ?? DEFAULT_POLICY } : work,
    }),
  );
}
