/**
 * The training case: 20 optimizer steps of the nano model from a fixed start. Every engine must reach the
 * same checkpoint root; it is past step 15 that an AdamW bias correction by library `pow` is known to fork.
 */

import type { Engine } from '../../compute/engines/engine.ts';
import type { Hex } from '../../protocol/hex.ts';
import { checkpointRoot } from '../checkpoint/root.ts';
import { checkpointContents } from '../decoder/checkpoint.ts';
import { NANO_CONFIG } from '../decoder/config.ts';
import { initialParameters } from '../decoder/initialize.ts';
import { ModelSession, type TrainingBatch } from '../decoder/model-session.ts';

export const TRAINING_CASE_STEPS = 20;
/** For the full sweep. */
export const TRAINING_CASE_FULL_STEPS = 100;

/**
 * Root after each step number; from the reference engine. A change here is a change of the numeric
 * specification.
 */
export const TRAINING_CASE_ROOTS: Readonly<Record<1 | 2 | 20 | 100, Hex>> = {
  1: '0x175c68bbb07e25f7de01903267183b16acb88c7239011ede898000475c35d2f9',
  2: '0x14f51454deb3f67c678a8aa66af28415fa6ea47160e39e7d8b050bf69ae05a46',
  20: '0xe0de5c0976b33e6d3be57c283397dc7dfd636cb364f983a44e5131ad3879e0c9',
  100: '0x7ce6883262f87bcfb4d78bc8de4a99c058088b3d6d5c35c50639594b1dc2c930',
};

/** 72 rows: more than one block of 64 in every fold over rows. */
const BATCH = 3;
const LENGTH = 24;

/** Mixes words into 32 bits (the finaliser of MurmurHash3): integers only, so the same everywhere. */
function mix(...words: number[]): number {
  let h = 0x9e3779b9;
  for (const word of words) {
    h = Math.imul(h ^ word, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h ^= h >>> 16;
  }
  return h >>> 0;
}

/** The batch of step `step` (from 0). The last row is partly padding: weight 0. */
function batchOf(step: number): TrainingBatch {
  const N = BATCH * LENGTH;
  const tokens = Array.from({ length: N }, (_, i) => mix(step, 1, i) % NANO_CONFIG.vocabulary);
  const targets = tokens.map((token, i) => (token * 5 + (i % 3)) % NANO_CONFIG.vocabulary);
  const weights = tokens.map((_, i) => (i < N - 7 ? 1 / 64 : 0));
  return { batch: BATCH, length: LENGTH, tokens, targets, weights, learningRate: 0.003 };
}

export interface TrainingCaseResult {
  /** Root of the whole checkpoint: parameters, moments, metadata. */
  readonly root: Hex;
  readonly losses: readonly number[];
}

/**
 * Runs `steps` steps on `engine`: supervised, and every fourth one with the policy objective. The engine is
 * not stopped.
 */
export async function runTrainingCase(
  engine: Engine,
  options: { readonly steps?: number; readonly signal?: AbortSignal } = {},
): Promise<TrainingCaseResult> {
  const steps = options.steps ?? TRAINING_CASE_STEPS;
  const session = await ModelSession.create({
    engine,
    config: NANO_CONFIG,
    parameters: initialParameters({
      config: NANO_CONFIG,
      draw: (tensor, element, part) => mix(2026, tensor, element, part),
      deviation: 0.05,
    }),
  });
  try {
    const losses: number[] = [];
    for (let step = 0; step < steps; step++) {
      options.signal?.throwIfAborted();
      const batch = batchOf(step);
      if (step % 4 !== 3) {
        losses.push((await session.step(batch)).loss);
        continue;
      }
      const logprobs = await session.score(batch);
      // Offsets on both sides of both clips, so that every branch of the coefficient is taken.
      const oldLogprobs = logprobs.map((logprob, i) => Math.fround(logprob + ((i % 9) - 4) / 8));
      const advantages = Array.from(logprobs, (_, i) => ((mix(step, 2, i) % 5) - 2) / 2);
      losses.push((await session.step({ ...batch, policy: { advantages, oldLogprobs } })).loss);
    }
    const state = await session.snapshot();
    const contents = checkpointContents({ config: NANO_CONFIG, state, cursor: 0, rngKey: '0x00000000' });
    return { root: checkpointRoot(contents), losses };
  } finally {
    await session.dispose();
  }
}
