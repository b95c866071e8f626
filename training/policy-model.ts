/** A model in training, whatever part of it is trained. */

import type { DecoderConfig } from '../models/decoder/config.ts';
import type { GenerateOptions, Generation } from '../models/decoder/generate.ts';
import type { SequenceBatch } from '../models/decoder/inputs.ts';
import type { AdapterState } from '../models/decoder/lora/adapter-state.ts';
import type { ModelState } from '../models/decoder/state.ts';
import type { StepResult, TrainingBatch } from '../models/decoder/train-step.ts';
import type { PromptFormat } from './prompt-format.ts';

/** All that training changes: every weight, or the adapters beside frozen ones. */
export type PolicyState = ModelState | AdapterState;

/**
 * What training needs of a model. `ModelSession` implements it with all weights in training, and
 * `FrozenSession` with adapters beside frozen bf16 weights. Calls wait for earlier ones.
 */
export interface PolicyModel {
  readonly config: DecoderConfig;
  /** Optimizer steps taken. */
  readonly steps: number;
  /** Samples a continuation of each prompt. Throws ModelInputError on input out of range. */
  generate(options: GenerateOptions): Promise<readonly Generation[]>;
  /** Log-probability of each target, [batch * length], canonical f32. */
  score(batch: SequenceBatch, options?: { readonly signal?: AbortSignal }): Promise<Float32Array>;
  /** One AdamW step. After a failure only `restore` makes the model usable again. */
  step(batch: TrainingBatch): Promise<StepResult>;
  /** A copy of what training changes. */
  snapshot(): Promise<PolicyState>;
  /** Restores a snapshot. Throws ModelStateError, changing nothing, when it is not one of this model. */
  restore(state: PolicyState): Promise<void>;
  /** The Merkle root of each tensor of a snapshot, by its name in a checkpoint. */
  roots(): Promise<ReadonlyMap<string, Uint8Array>>;
  dispose(): Promise<void>;
}

/** A model with the format in which it is asked. Nothing else in training knows which they are. */
export interface Policy<M extends PolicyModel = PolicyModel> {
  readonly model: M;
  readonly format: PromptFormat;
}
