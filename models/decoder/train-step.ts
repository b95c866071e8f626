/** One optimizer step of a training program: checks and writes the inputs, and reads the results. */
import { must } from '../../protocol/must.ts';
import type { DecoderConfig } from './config.ts';
import type { Objective } from './decoder.ts';
import { checkBatch, ModelInputError, perToken, type SequenceBatch } from './inputs.ts';
import type { BoundProgram } from './tensor-store.ts';

export interface TrainingBatch extends SequenceBatch {
  /** Weight of each token. The loss is minus the weighted sum of log-probabilities. 0 leaves a token out. */
  readonly weights: ArrayLike<number>;
  readonly learningRate: number;
  /** Per token. When present, the step uses the clipped policy objective instead of the likelihood. */
  readonly policy?: {
    readonly advantages: ArrayLike<number>;
    readonly oldLogprobs: ArrayLike<number>;
  };
}

export interface StepResult {
  readonly loss: number;
  /** Factor of the gradient: 1, or less when its norm was above the limit. */
  readonly clip: number;
  /** Log-probability of each target before the update. */
  readonly logprobs: Float32Array;
  /** Optimizer steps taken, this one included. */
  readonly step: number;
}

export function objectiveOf(batch: TrainingBatch): Objective {
  return batch.policy === undefined ? 'supervised' : 'policy';
}

/** Throws ModelInputError unless the batch can be trained on. */
export function checkTraining(config: DecoderConfig, batch: TrainingBatch): void {
  checkBatch(config, batch);
  if (!(batch.learningRate >= 0) || !Number.isFinite(batch.learningRate)) {
    throw new ModelInputError(`learningRate must be zero or positive, got ${batch.learningRate}`);
  }
}

/** Writes tokens, targets and positions. */
export function writeSequences(program: BoundProgram, batch: SequenceBatch): void {
  const N = batch.batch * batch.length;
  program.write('tokens', Uint32Array.from(batch.tokens));
  program.write('targets', Uint32Array.from(batch.targets));
  program.write(
    'positions',
    Uint32Array.from({ length: N }, (_, i) => i % batch.length),
  );
}

/**
 * Writes all inputs of a training program besides its state. Throws ModelInputError for a value that is not
 * finite.
 */
export function writeTraining(program: BoundProgram, batch: TrainingBatch, hyper: Float32Array): void {
  const N = batch.batch * batch.length;
  writeSequences(program, batch);
  program.write('weights', perToken(batch.weights, N, 'weights'));
  if (batch.policy !== undefined) {
    program.write('advantages', perToken(batch.policy.advantages, N, 'advantages'));
    program.write('oldLogprobs', perToken(batch.policy.oldLogprobs, N, 'oldLogprobs'));
    program.write('ones', new Float32Array(N).fill(1));
  }
  program.write('hyper', hyper);
}

/** Runs the step and reads its results. */
export async function runTraining(program: BoundProgram): Promise<Omit<StepResult, 'step'>> {
  await program.run();
  // Read together, so that the latency of the device counts once.
  const [loss, clip, logprobs] = await Promise.all([
    program.floats('loss'),
    program.floats('clip'),
    program.floats('logprobs'),
  ]);
  return { loss: must(loss, 0), clip: must(clip, 0), logprobs };
}
