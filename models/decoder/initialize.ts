import { canon, mul } from '../../compute/repops/arithmetic.ts';
import { rsqrt } from '../../compute/repops/functions.ts';
import { elementCount } from '../../compute/repops/program.ts';
import { type DecoderConfig, parameterSpecs } from './config.ts';

/**
 * 32 random bits for a tensor's index, an element and a part of 0 to 3. A counter-based generator repeats
 * them anywhere.
 */
export type DrawWord = (tensor: number, element: number, part: number) => number;

/**
 * With this factor, a sum of four centred 16-bit draws (variance 4 * 2^32 / 12) has a standard deviation of
 * 1.
 */
export const SUM_OF_DRAWS_SCALE = canon(1.7320508 / 65536);

/** Fills `values` with sums of four uniform draws, which are close to normal, times `scale`. */
export function fillNearNormal(values: Float32Array, tensor: number, scale: number, draw: DrawWord): void {
  for (let i = 0; i < values.length; i++) {
    let sum = 0;
    for (let part = 0; part < 4; part++) sum += (draw(tensor, i, part) >>> 16) - 32767.5;
    values[i] = mul(sum, scale);
  }
}

/**
 * Fresh parameters: gains are 1, biases 0, and matrices nearly normal with standard deviation `deviation`.
 * Output projections are scaled down with the depth as in GPT-2. With a counter-based generator every machine
 * gets the same.
 */
export function initialParameters(options: {
  readonly config: DecoderConfig;
  readonly draw: DrawWord;
  /** Defaults to 0.02. */
  readonly deviation?: number;
}): Map<string, Float32Array> {
  const { config, draw, deviation = 0.02 } = options;
  const parameters = new Map<string, Float32Array>();
  for (const [tensor, { name, shape }] of parameterSpecs(config).entries()) {
    const values = new Float32Array(elementCount(shape));
    if (name.endsWith('norm.weight')) values.fill(1);
    else if (shape.length > 1) {
      const residual = name.endsWith('o_proj.weight') || name.endsWith('down_proj.weight');
      const unit = mul(canon(deviation), SUM_OF_DRAWS_SCALE);
      const scale = residual ? mul(unit, rsqrt(2 * config.layers)) : unit;
      fillNearNormal(values, tensor, scale, draw);
    }
    parameters.set(name, values);
  }
  return parameters;
}
