import { add, canon, mul, sub } from '../../compute/repops/arithmetic.ts';
import { exp, log, recip, sinCos } from '../../compute/repops/functions.ts';
import type { DecoderConfig } from './config.ts';
import type { RopeScaling } from './rope-config.ts';

export interface RopeTables {
  /** [positions, headDim / 2] */
  readonly cos: Float32Array;
  /** [positions, headDim / 2] */
  readonly sin: Float32Array;
}

/**
 * cos and sin of pos * theta^(-2i / headDim) (arXiv 2104.09864) in canonical arithmetic. Math.sin and
 * Math.cos differ between JavaScript engines, and every later bit depends on these tables.
 */
export function ropeTables(options: {
  readonly positions: number;
  readonly headDim: number;
  readonly theta: number;
  /** Defaults to no scaling. */
  readonly scaling?: RopeScaling;
}): RopeTables {
  const { positions, headDim } = options;
  const half = headDim / 2;
  const logTheta = log(canon(options.theta));
  const step = recip(headDim);
  const frequencies = Array.from({ length: half }, (_, i) =>
    scaled(exp(sub(0, mul(mul(2 * i, step), logTheta))), options.scaling),
  );
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let position = 0; position < positions; position++) {
    for (const [i, frequency] of frequencies.entries()) {
      const [s, c] = sinCos(mul(position, frequency));
      cos[position * half + i] = c;
      sin[position * half + i] = s;
    }
  }
  return { cos, sin };
}

/** The tables of a model for its first `positions` positions. */
export function modelRopeTables(config: DecoderConfig, positions: number): RopeTables {
  return ropeTables({
    positions,
    headDim: config.headDim,
    theta: config.ropeTheta,
    scaling: config.ropeScaling,
  });
}

const TWO_PI = canon(2 * Math.PI);

/** One frequency after scaling. "llama3" is Llama 3.1's rule (transformers, modeling_rope_utils.py). */
function scaled(frequency: number, scaling: RopeScaling | undefined): number {
  if (scaling === undefined) return frequency;
  const slow = mul(frequency, recip(canon(scaling.factor)));
  if (scaling.type === 'linear') return slow;
  // Number of turns over the original context: its length / wavelength.
  const turns = mul(mul(canon(scaling.originalContext), frequency), recip(TWO_PI));
  const [low, high] = [canon(scaling.lowFrequencyFactor), canon(scaling.highFrequencyFactor)];
  if (turns < low) return slow;
  if (turns > high) return frequency;
  const smooth = mul(sub(turns, low), recip(sub(high, low)));
  return add(mul(sub(1, smooth), slow), mul(smooth, frequency));
}
