import { canon, mul, sub } from '../repops/arithmetic.ts';
import { exp, log, recip, sinCos } from '../repops/functions.ts';

export interface RopeTables {
  /** [positions, headDim / 2] */
  readonly cos: Float32Array;
  /** [positions, headDim / 2] */
  readonly sin: Float32Array;
}

/**
 * cos and sin of pos * theta^(-2i / headDim) (arXiv 2104.09864) in canonical arithmetic: library sin and cos differ
 * between JavaScript engines, and the tables enter every bit that follows.
 */
export function ropeTables(options: {
  readonly positions: number;
  readonly headDim: number;
  readonly theta: number;
}): RopeTables {
  const { positions, headDim } = options;
  const half = headDim / 2;
  const logTheta = log(canon(options.theta));
  const step = recip(headDim);
  const frequencies = Array.from({ length: half }, (_, i) => exp(sub(0, mul(mul(2 * i, step), logTheta))));
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
