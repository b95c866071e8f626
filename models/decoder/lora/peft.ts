/**
 * Reads and writes adapters as files of Hugging Face's PEFT: adapter_model.safetensors and
 * adapter_config.json.
 */
import {
  float32Tensor,
  parseSafetensors,
  serializeSafetensors,
  toFloat32,
} from '../../checkpoint/safetensors.ts';
import type { DecoderConfig } from '../config.ts';
import { canonicalCopy, type NamedTensors } from '../state.ts';
import { adapterSpecs, checkLora, LoraError, type LoraOptions, PROJECTIONS } from './adapters.ts';

export interface PeftFiles {
  readonly 'adapter_model.safetensors': Uint8Array;
  readonly 'adapter_config.json': Uint8Array;
}

/** The files for PEFT's `PeftModel.from_pretrained`. `base` is the frozen model's name for people. */
export function peftFiles(options: {
  readonly config: DecoderConfig;
  readonly lora: LoraOptions;
  readonly adapters: NamedTensors;
  readonly base: string;
}): PeftFiles {
  const { config, lora, adapters } = options;
  const tensors = new Map(
    adapterSpecs(config, lora).map(({ name, shape }) => {
      const values = adapters.get(name);
      if (values === undefined) throw new LoraError(`${name} is missing; export a whole set of adapters`);
      return [name, float32Tensor(shape, values)];
    }),
  );
  const settings = {
    base_model_name_or_path: options.base,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: 'gaussian',
    lora_alpha: lora.alpha,
    lora_dropout: 0,
    peft_type: 'LORA',
    r: lora.rank,
    target_modules: [...lora.targets],
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: false,
  };
  return {
    'adapter_model.safetensors': serializeSafetensors({ tensors, metadata: new Map([['format', 'pt']]) }),
    'adapter_config.json': new TextEncoder().encode(`${JSON.stringify(settings, null, 2)}\n`),
  };
}

/**
 * Reads PEFT's files for a model. Throws LoraError for another kind of adapter or one that does not fit, and
 * SafetensorsError for a bad file.
 */
export function readPeft(
  config: DecoderConfig,
  files: PeftFiles,
): { readonly lora: LoraOptions; readonly adapters: NamedTensors } {
  const lora = parseSettings(files['adapter_config.json']);
  const { tensors } = parseSafetensors(files['adapter_model.safetensors']);
  const specs = adapterSpecs(config, lora);
  const adapters = new Map<string, Float32Array>();
  for (const { name, shape } of specs) {
    const tensor = tensors.get(name);
    if (tensor === undefined || String(tensor.shape) !== String(shape)) {
      throw new LoraError(`${name} with shape [${shape}] is missing; use an adapter of this model`);
    }
    adapters.set(name, canonicalCopy(toFloat32(tensor, name), name));
  }
  if (tensors.size !== specs.length) {
    const extra = [...tensors.keys()].find((name) => !adapters.has(name));
    throw new LoraError(`${extra?.slice(0, 100)} is no adapter of this model; use an adapter of this model`);
  }
  return { lora, adapters };
}

/** Fields that change nothing of what a trained adapter computes, or that `parseSettings` reads itself. */
const FREE_FIELDS: readonly string[] = [
  'auto_mapping',
  'base_model_name_or_path',
  'inference_mode',
  'lora_alpha',
  'lora_dropout',
  'megatron_core',
  'peft_version',
  'qalora_group_size',
  'r',
  'revision',
  'runtime_config',
  'target_modules',
  // The tensors' names are checked one by one, so a module that was excluded is missed there.
  'exclude_modules',
  // Settings of an initialisation, of which init_lora_weights tells whether it was used.
  'corda_config',
  'eva_config',
  'loftq_config',
];

/** Fields that are plain LoRA only with these values. */
const PLAIN_VALUES: Readonly<Record<string, readonly unknown[]>> = {
  bias: ['none'],
  // pissa, olora, corda, loftq and the like subtract the first adapter from the base weights, so beside the
  // published weights the adapter would mean something else. These leave the base weights as they are.
  init_lora_weights: [true, 'gaussian', 'eva', 'orthogonal'],
  peft_type: ['LORA'],
  task_type: ['CAUSAL_LM'],
};

/**
 * Whether a field leaves the adapter plain LoRA. A field that is not known here does so only when it is off:
 * null, false, or empty.
 */
function isPlain(name: string, value: unknown): boolean {
  if (value === null || value === false || FREE_FIELDS.includes(name)) return true;
  if (Object.hasOwn(PLAIN_VALUES, name)) return PLAIN_VALUES[name]?.includes(value) ?? false;
  // An empty list of these tokens would still mean an adapter that starts to count somewhere.
  if (name === 'alora_invocation_tokens') return false;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function parseSettings(bytes: Uint8Array): LoraOptions {
  const fail = (problem: string): never => {
    throw new LoraError(`adapter_config.json: ${problem}; use a plain LoRA adapter`);
  };
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    fail('it is not JSON');
  }
  if (typeof value !== 'object' || value === null) return fail('it must be an object');
  const json = value as Readonly<Record<string, unknown>>;
  for (const [name, set] of Object.entries(json)) {
    if (!isPlain(name, set)) {
      fail(`${name.slice(0, 60)} ${JSON.stringify(set)?.slice(0, 60)} is not supported`);
    }
  }
  const { r, lora_alpha: alpha, target_modules: modules } = json;
  const targets: readonly unknown[] = Array.isArray(modules) ? modules : [];
  const known = PROJECTIONS.filter((projection) => targets.includes(projection));
  if (known.length === 0 || known.length !== targets.length) fail('target_modules has unknown modules');
  if (typeof r !== 'number' || typeof alpha !== 'number') return fail('r or lora_alpha is no number');
  const lora = { rank: r, alpha, targets: known };
  checkLora(lora);
  return lora;
}
