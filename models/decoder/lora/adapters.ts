/**
 * Low-rank adapters on frozen projections (LoRA, arXiv 2106.09685): y = x W^T + (alpha / rank) (x A^T) B^T.
 */
import { canon, mul } from '../../../compute/repops/arithmetic.ts';
import { recip } from '../../../compute/repops/functions.ts';
import { elementCount } from '../../../compute/repops/program.ts';
import { must } from '../../../protocol/must.ts';
import { type DecoderConfig, type ParameterSpec, parameterSpecs } from '../config.ts';
import { type DrawWord, fillNearNormal, SUM_OF_DRAWS_SCALE } from '../initialize.ts';

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
  /** The adapters' output is scaled by alpha / rank. */
  readonly alpha: number;
  /** The projections with adapters, in every layer. */
  readonly targets: readonly Projection[];
}

export const DEFAULT_LORA: LoraOptions = { rank: 8, alpha: 16, targets: PROJECTIONS };
const MAX_RANK = 256;

/** LoRA options or adapters cannot be used. The message tells the remedy. */
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

/** alpha / rank in canonical arithmetic. recip is never exact, so for powers of two the exponent is used. */
export function loraScale(lora: LoraOptions): number {
  const exponent = Math.log2(lora.rank);
  if (Number.isInteger(exponent)) return mul(canon(lora.alpha), canon(2 ** -exponent));
  return mul(canon(lora.alpha), recip(lora.rank));
}

/** PEFT's names of an adapter's two factors, from the name of its projection, such as "…q_proj.weight". */
export function adapterNames(weight: string): { readonly a: string; readonly b: string } {
  const module = `base_model.model.${weight.replace(/\.weight$/, '')}`;
  return { a: `${module}.lora_A.weight`, b: `${module}.lora_B.weight` };
}

/** The projection that a parameter is, if any. */
export function projectionOf(weight: string): Projection | undefined {
  return PROJECTIONS.find((projection) => weight.endsWith(`.${projection}.weight`));
}

/** Every adapter tensor, A [rank, in] before B [out, rank], in the order of gradient norms and updates. */
export function adapterSpecs(config: DecoderConfig, lora: LoraOptions): readonly ParameterSpec[] {
  const specs: ParameterSpec[] = [];
  for (const { name, shape } of parameterSpecs(config)) {
    const projection = projectionOf(name);
    if (projection === undefined || !lora.targets.includes(projection)) continue;
    const [out, width] = [must(shape, 0), must(shape, 1)];
    const names = adapterNames(name);
    specs.push({ name: names.a, shape: [lora.rank, width] }, { name: names.b, shape: [out, lora.rank] });
  }
  return specs;
}

/**
 * Fresh adapters. A is nearly normal with standard deviation 1 / rank (PEFT's "gaussian"). B is zero, so the
 * adapters at first have no effect. With a counter-based generator every machine gets the same.
 */
export function initialAdapters(options: {
  readonly config: DecoderConfig;
  readonly lora: LoraOptions;
  readonly draw: DrawWord;
  /** Which of them are made. Defaults to all. */
  readonly names?: ReadonlySet<string>;
}): Map<string, Float32Array> {
  const { lora, draw, names } = options;
  checkLora(lora);
  const adapters = new Map<string, Float32Array>();
  const scale = mul(recip(lora.rank), SUM_OF_DRAWS_SCALE);
  for (const [tensor, { name, shape }] of adapterSpecs(options.config, lora).entries()) {
    if (names?.has(name) === false) continue;
    const values = new Float32Array(elementCount(shape));
    if (name.endsWith('.lora_A.weight')) fillNearNormal(values, tensor, scale, draw);
    adapters.set(name, values);
  }
  return adapters;
}
