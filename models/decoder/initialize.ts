import { canon, mul } from '../../compute/repops/arithmetic.ts';
import { rsqrt } from '../../compute/repops/functions.ts';
import { elementCount } from '../../compute/repops/program.ts';
import { type DecoderConfig, parameterSpecs } from './config.ts';

/**
 * Fresh parameters: gains 1, biases 0, matrices from a sum of four uniforms (close to normal) with standard deviation
 * `deviation`, output projections scaled down by the depth as in GPT-2. `draw` gives 32 random bits for (tensor index,
 * element, which of 4); with a counter-based generator the result is the same on every machine.
 */
export function initialParameters(options: {
  readonly config: DecoderConfig;
  readonly draw: (tensor: number, element: number, part: number) => number;
  /** 0.02 unless given. */
  readonly deviation?: number;
}): Map<string, Float32Array> {
  const deviation = options.deviation ?? 0.02;
  const parameters = new Map<string, Float32Array>();
  for (const [tensor, { name, shape }] of parameterSpecs(options.config).entries()) {
    const values = new Float32Array(elementCount(shape));
    if (name.endsWith('norm.weight')) values.fill(1);
    else if (shape.length > 1) {
      const residual = name.endsWith('o_proj.weight') || name.endsWith('down_proj.weight');
      // Four 16-bit draws sum to a variance of 4 * 2^32 / 12; 1.732... / 65536 makes it 1.
      const unit = mul(canon(deviation), canon(1.7320508 / 65536));
      const scale = residual ? mul(unit, rsqrt(2 * options.config.layers)) : unit;
      for (let i = 0; i < values.length; i++) {
        let sum = 0;
        for (let part = 0; part < 4; part++) sum += (options.draw(tensor, i, part) >>> 16) - 32767.5;
        values[i] = mul(sum, scale);
      }
    }
    parameters.set(name, values);
  }
  return parameters;
}
