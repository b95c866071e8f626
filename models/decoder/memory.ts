/** Predicts the memory of a session on an engine from its programs, before anything is allocated. */
import { elementBytes, elementCount, type Program } from '../../compute/repops/program.ts';
import { type DecoderConfig, parameterSpecs } from './config.ts';
import { decodeProgram, prefillProgram, spreadProgram, trainingProgram } from './decoder.ts';
import { parameterDType, TRAINED, type WeightPlan } from './forward.ts';
import { decodeSizes, prefillLengths, prefixSizes } from './generate-sizes.ts';
import { adapterSpecs, type LoraOptions } from './lora/adapters.ts';
import { matricesToPrepack } from './prepacking.ts';

/** In bytes. Each tensor is rounded up to 64 bytes, as on the engines. */
export interface MemoryPrediction {
  /** Parameters, adapters and rotary tables. */
  readonly weights: number;
  /** AdamW's moments. */
  readonly optimizer: number;
  /** Prepacked copies of frozen matrices. */
  readonly prepacked: number;
  /** Inputs, results and key/value caches. */
  readonly bound: number;
  /** Peak of the temporaries of any one run. Engines add scratch space and gaps of a few per cent. */
  readonly activations: number;
  readonly total: number;
}

/** What a session is going to do. */
export interface PlannedUse {
  /** Most positions of a sequence. Defaults to the model's context. */
  readonly positions?: number;
  /** As `prepackBytes` of the session. Defaults to 0. */
  readonly prepackBytes?: number;
  /** Adapters beside the frozen weights. Defaults to none. */
  readonly lora?: LoraOptions;
  /** Supervised training steps. */
  readonly train?: {
    readonly batch: number;
    readonly length: number;
    /** Defaults to false. */
    readonly recompute?: boolean;
  };
  readonly generate?: {
    /** Rows that decode together. */
    readonly batch: number;
    /** Longest prompt plus new tokens. */
    readonly positions: number;
    /** Tokens of the longest prompt. */
    readonly prompt: number;
    /** Different prompts, which the rows share. Defaults to one for each row. */
    readonly prompts?: number;
  };
}

const ALIGNMENT = 64;

function roundUp(bytes: number): number {
  return Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);
}

/** Bytes of a tensor on an engine. */
export function engineBytes(spec: {
  readonly shape: readonly number[];
  readonly dtype: 'f32' | 'u32' | 'bf16';
}): number {
  return roundUp(elementBytes(spec.dtype) * elementCount(spec.shape));
}

/** Peak bytes of a program's temporaries. Each is alive from its first to its last use. */
export function peakTemporaries(program: Program): number {
  const lastUse = new Map<string, number>();
  for (const [index, node] of program.nodes.entries()) {
    for (const name of [...node.inputs, ...node.outputs]) lastUse.set(name, index);
  }
  const alive = new Map<string, number>();
  let live = 0;
  let peak = 0;
  for (const [index, node] of program.nodes.entries()) {
    for (const name of node.outputs) {
      const spec = program.tensors[name];
      if (spec?.storage !== 'temporary' || alive.has(name)) continue;
      alive.set(name, engineBytes(spec));
      live += engineBytes(spec);
    }
    peak = Math.max(peak, live);
    for (const [name, bytes] of alive) {
      if ((lastUse.get(name) ?? 0) > index) continue;
      alive.delete(name);
      live -= bytes;
    }
  }
  return peak;
}

/** Predicts a `FrozenSession` of the model with this use. Pure. */
export function predictFrozenMemory(model: DecoderConfig, use: PlannedUse): MemoryPrediction {
  return predictMemory(model, use, { frozen: true, lora: use.lora });
}

/** Predicts a `ModelSession`, which trains all weights. Pure. */
export function predictTrainedMemory(model: DecoderConfig, use: Omit<PlannedUse, 'lora'>): MemoryPrediction {
  return predictMemory(model, use, TRAINED);
}

function predictMemory(model: DecoderConfig, use: PlannedUse, plan: WeightPlan): MemoryPrediction {
  const config = { ...model, context: Math.min(model.context, use.positions ?? model.context) };
  const f32 = (shape: readonly number[]) => engineBytes({ shape, dtype: 'f32' });
  const parameters = parameterSpecs(config);
  const adapters = plan.lora === undefined ? [] : adapterSpecs(config, plan.lora);
  let weights = 2 * f32([config.context, config.headDim / 2]);
  for (const { shape } of parameters) weights += engineBytes({ shape, dtype: parameterDType(plan, shape) });
  for (const { shape } of adapters) weights += f32(shape);
  const prepacked = matricesToPrepack(config, use.prepackBytes ?? 0).bytes;
  const trained = plan.frozen ? adapters : parameters;
  const optimizer = trained.reduce((sum, { shape }) => sum + 2 * f32(shape), 0);

  const state = new Set(['rope.cos', 'rope.sin']);
  for (const { name } of [...parameters, ...adapters]) state.add(name);
  for (const { name } of trained) state.add(`optimizer.m.${name}`).add(`optimizer.v.${name}`);
  const bound = new Map<string, number>();
  let activations = 0;
  for (const program of programsOf(config, use, plan)) {
    activations = Math.max(activations, peakTemporaries(program));
    for (const [name, spec] of Object.entries(program.tensors)) {
      if (spec.storage !== 'bound' || state.has(name)) continue;
      bound.set(`${name} ${elementCount(spec.shape)}`, engineBytes(spec));
    }
  }
  const boundBytes = [...bound.values()].reduce((sum, bytes) => sum + bytes, 0);
  return {
    weights,
    optimizer,
    prepacked,
    bound: boundBytes,
    activations,
    total: weights + optimizer + prepacked + boundBytes + activations,
  };
}

function programsOf(config: DecoderConfig, use: PlannedUse, plan: WeightPlan): Program[] {
  const programs: Program[] = [];
  if (use.train !== undefined) {
    programs.push(trainingProgram(config, { ...use.train, objective: 'supervised', plan }));
  }
  if (use.generate !== undefined) {
    const { positions, prompt, prompts = use.generate.batch } = use.generate;
    const { batch, cacheLength } = decodeSizes(config, {
      rows: use.generate.batch,
      positions,
      batch: use.generate.batch,
    });
    programs.push(
      decodeProgram(config, { batch, cacheLength, invTemperature: 1, greedy: false, topK: 1, plan }),
    );
    const shared = prompts < batch && prefillLengths(prompt, cacheLength).length > 0;
    const prefix = shared ? prefixSizes(prompts, prompt, cacheLength) : { batch, cacheLength };
    const cache = shared ? 'prefix' : 'cache';
    for (const { length } of prefillLengths(prompt, prefix.cacheLength)) {
      programs.push(prefillProgram(config, { ...prefix, length, cache, plan }));
    }
    if (shared) {
      const sizes = { prompts: prefix.batch, prefixLength: prefix.cacheLength, batch, cacheLength };
      programs.push(spreadProgram(config, sizes));
    }
  }
  return programs;
}
