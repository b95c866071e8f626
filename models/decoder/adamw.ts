/** The optimizer as program nodes: norms of the gradients, their global clip, and AdamW. */
import { canon, sub } from '../../compute/repops/arithmetic.ts';
import { elementCount } from '../../compute/repops/program.ts';
import { must } from '../../protocol/must.ts';
import type { ProgramBuilder } from './builder.ts';
import type { ParameterSpec } from './config.ts';

/** Constants of AdamW and of gradient clipping. Each is rounded to canonical f32. */
export interface OptimizerOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** Applies to matrices. Vectors (norm gains, biases) are not decayed. */
  readonly weightDecay: number;
  /** Global gradient norm above which gradients are scaled down. */
  readonly maxNorm: number;
}

export const DEFAULT_OPTIMIZER: OptimizerOptions = {
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  weightDecay: 0.01,
  maxNorm: 1,
};

/** Emits `norm.<name>`, the sum of squares of each gradient. Returns their names. */
export function emitNorms(
  b: ProgramBuilder,
  specs: readonly ParameterSpec[],
  gradients: readonly string[],
  storage: 'bound' | 'temporary',
): readonly string[] {
  return specs.map(({ name, shape }, i) => {
    const sum = b[storage](`norm.${name}`, [1]);
    b.node('norm.square', { len: elementCount(shape) }, [must(gradients, i)], [sum]);
    return sum;
  });
}

/** Emits `clip`, the factor of all gradients, from the sums of their squares in that order. */
export function emitClip(b: ProgramBuilder, sums: readonly string[], optimizer: OptimizerOptions): string {
  const clip = b.bound('clip', [1]);
  b.node('clip.scale', { count: sums.length, maxNorm: canon(optimizer.maxNorm) }, sums, [clip]);
  return clip;
}

/** Emits AdamW in place on each tensor and its moments. Binds `hyper`. */
export function emitAdamw(
  b: ProgramBuilder,
  specs: readonly ParameterSpec[],
  gradients: readonly string[],
  { clip, optimizer }: { readonly clip: string; readonly optimizer: OptimizerOptions },
): void {
  const hyper = b.bound('hyper', [3]);
  const [beta1, beta2] = [canon(optimizer.beta1), canon(optimizer.beta2)];
  for (const [i, { name, shape }] of specs.entries()) {
    const m = b.bound(`optimizer.m.${name}`, shape);
    const v = b.bound(`optimizer.v.${name}`, shape);
    b.node(
      'adamw',
      {
        len: elementCount(shape),
        beta1,
        oneMinusBeta1: sub(1, beta1),
        beta2,
        oneMinusBeta2: sub(1, beta2),
        eps: canon(optimizer.eps),
        weightDecay: shape.length > 1 ? canon(optimizer.weightDecay) : 0,
      },
      [name, must(gradients, i), m, v, clip, hyper],
      [name, m, v],
    );
  }
}
