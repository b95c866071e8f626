/** Low-rank adapters on frozen projections (LoRA, arXiv 2106.09685): y = x W^T + (alpha / rank) (x A^T) B^T. */
import { canon, mul } from '../../../compute/repops/arithmetic.ts';
import { recip } from '../../../compute/repops/functions.ts';
import { elementCount } from '../../../compute/repops/program.ts';
import type { DecoderConfig, ParameterSpec } from '../config.ts';
import { parameterSpecs } from '../config.ts';

export const PROJECTIONS = [
  'q_proj',
  'k_proj',
  'v_proj',
  'o_proj',
  'gate_proj',
  'up_proj',
  'down_proj',
] as const;
export type Projection = (typeof PROJECTIONS)[number];

export interface LoraOptions {
  /** 1 to 256. */
  readonly rank: number;
  /** Adapters count alpha / rank times. */
  readonly alpha: number;
  /** Projections that have adapters, in every layer. */
  readonly targets: readonly Projection[];
}

export const DEFAULT_LORA: LoraOptions = { rank: 8, alpha: 16, targets: PROJECTIONS };
export const MAX_RANK = 256;

export class LoraError extends Error {
  override readonly name = 'LoraError';
}

/** Throws LoraError unless the options can be computed. */
export function checkLora(lora: LoraOptions): void {
  if (!Number.isInteger(lora.rank) || lora.rank < 1 || lora.rank > MAX_RANK) {
    throw new LoraError(`rank must be an integer from 1 to ${MAX_RANK}, got ${lora.rank}`);
  }
  if (!(lora.alpha > 0) || !Number.isFinite(lora.alpha) || canon(lora.alpha) === 0) {
    throw new LoraError(`alpha must be a positive number, got ${lora.alpha}`);
  }
  const known = lora.targets.every((target) => PROJECTIONS.includes(target));
  if (lora.targets.length === 0 || !known || new Set(lora.targets).size !== lora.targets.length) {
    throw new LoraError(`targets must be some of ${PROJECTIONS.join(', ')}, each once`);
  }
}

/** alpha / rank in canonical arithmetic. recip is exact for no rank, so powers of two are divided by their exponent. */
export function loraScale(lora: LoraOptions): number {
  const exponent = Math.log2(lora.rank);
  if (Number.isInteger(exponent)) return mul(canon(lora.alpha), canon(2 ** -exponent));
  return mul(canon(lora.alpha), recip(lora.rank));
}

/** PEFT's names of the two factors of a projection's adapter, from the projection's own: "…q_proj.weight". */
export function adapterNames(weight: string): { readonly a: string; readonly b: string } {
  const module = `base_model.model.${weight.replace(/\.weight$/, '')}`;
  return { a: `${module}.lora_A.weight`, b: `${module}.lora_B.weight` };
}

/** The projection that a parameter is, if any. */
export function projectionOf(weight: string): Projection | undefined {
  return PROJECTIONS.find((projection) => weight.endsWith(`.${projection}.weight`));
}

/** Every adapter tensor, A [rank, in] before B [out, rank], in the order in which norms are added and updates run. */
export function adapterSpecs(config: DecoderConfig, lora: LoraOptions): readonly ParameterSpec[] {
  const specs: ParameterSpec[] = [];
  for (const { name, shape } of parameterSpecs(config)) {
    const projection = projectionOf(name);
    if (projection === undefined || !lora.targets.includes(projection)) continue;
    const [out = 0, width = 0] = shape;
    const names = adapterNames(name);
    specs.push({ name: names.a, shape: [lora.rank, width] }, { name: names.b, shape: [out, lora.rank] });
  }
  return specs;
}

/**
 * Fresh adapters: A close to normal with standard deviation 1 / rank (PEFT's "gaussian") as a sum of four uniforms, B zero, so
 * that the model is at first what it was. `draw` gives 32 random bits for (tensor index, element, which of 4); with a
 * counter-based generator the result is the same on every machine.
 */
export function initialAdapters(options: {
  readonly config: DecoderConfig;
  readonly lora: LoraOptions;
  readonly draw: (tensor: number, element: number, part: number) => number;
}): Map<string, Float32Array> {
  const { lora, draw } = options;
  checkLora(lora);
  const adapters = new Map<string, Float32Array>();
  // Four 16-bit draws sum to a variance of 4 * 2^32 / 12; 1.732... / 65536 makes it 1.
  const scale = mul(recip(lora.rank), canon(1.7320508 / 65536));
  for (const [tensor, { name, shape }] of adapterSpecs(options.config, lora).entries()) {
    const values = new Float32Array(elementCount(shape));
    if (name.endsWith('.lora_A.weight')) {
      for (let i = 0; i < values.length; i++) {
        let sum = 0;
        for (let part = 0; part < 4; part++) sum += (draw(tensor, i, part) >>> 16) - 32767.5;
        values[i] = mul(sum, scale);
      }
    }
    adapters.set(name, values);
  }
  return adapters;
}
