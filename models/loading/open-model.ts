/** Opens a model in Hugging Face's layout from any source. */
import type { SafetensorsLimits } from '../checkpoint/safetensors.ts';
import { type DecoderConfig, parseConfig } from '../decoder/config.ts';
import { ChatTokenizer } from '../tokenizer/chat-tokenizer.ts';
import { type GenerationDefaults, parseGeneration } from './generation-config.ts';
import { ModelLoadError, type ModelSource, readWhole } from './model-source.ts';
import { openWeights, type WeightFiles } from './weight-files.ts';
import { parseJsonObject } from './weights-index.ts';

/** Most bytes of each of the small files. */
export const JSON_LIMITS = {
  'config.json': 1 << 20,
  'generation_config.json': 1 << 20,
  'tokenizer.json': 1 << 26,
  'tokenizer_config.json': 1 << 24,
  'chat_template.json': 1 << 20,
} as const;
type JsonFile = keyof typeof JSON_LIMITS;

/** The chat template as a file of its own, as transformers writes it since version 4.52. */
export const TEMPLATE_FILE = 'chat_template.jinja';
/** Most bytes of that file. */
export const TEMPLATE_LIMIT = 1 << 18;

/** The files of a model besides its weights. A model may lack some of them. */
export const SMALL_FILES: readonly string[] = [...Object.keys(JSON_LIMITS), TEMPLATE_FILE];

export interface OpenedModel {
  readonly config: DecoderConfig;
  readonly generation: GenerationDefaults;
  /** The weights. Their headers are checked, and tensors are read on demand. */
  readonly weights: WeightFiles;
  readonly tokenizer: ChatTokenizer;
}

/** What a model's small files say. */
export type ModelDescription = Omit<OpenedModel, 'weights'>;

/**
 * Reads a model's small files and checks that they belong together. Needs no weights. Throws ModelLoadError,
 * ModelConfigError or TokenizerError. Each names the file and the remedy.
 */
export async function openDescription(source: ModelSource, signal?: AbortSignal): Promise<ModelDescription> {
  const read = async (name: JsonFile) =>
    parseJsonObject(await readWhole(source, name, JSON_LIMITS[name], signal), name);
  const readOptional = async (name: JsonFile) =>
    (await source.open(name, signal)) === undefined ? undefined : read(name);
  const configJson = await read('config.json');
  const config = parseConfig(configJson);
  const generation = parseGeneration(
    configJson,
    await readOptional('generation_config.json'),
    config.vocabulary,
  );
  const settings = (await readOptional('tokenizer_config.json')) ?? {};
  // The first of these has the template, as in transformers: its own file, the tokenizer's settings, and the
  // file of a processor that belongs to the tokenizer.
  const template =
    (await readTemplate(source, signal)) ??
    settings.chat_template ??
    (await readOptional('chat_template.json'))?.chat_template;
  const tokenizer = new ChatTokenizer(await read('tokenizer.json'), { ...settings, chat_template: template });
  if (tokenizer.size > config.vocabulary) {
    throw new ModelLoadError(
      `tokenizer.json has ${tokenizer.size} tokens, config.json's vocab_size is ${config.vocabulary}; use files of one model`,
    );
  }
  return { config, generation, tokenizer };
}

/**
 * Reads a model's small files and the headers of its weights, and checks that they belong together. Throws
 * ModelLoadError, ModelConfigError, SafetensorsError or TokenizerError. Each names the file and the remedy.
 */
export async function openModel(
  source: ModelSource,
  options: { readonly signal?: AbortSignal; readonly limits?: SafetensorsLimits } = {},
): Promise<OpenedModel> {
  const description = await openDescription(source, options.signal);
  return { ...description, weights: await openWeights(source, description.config, options) };
}

async function readTemplate(source: ModelSource, signal?: AbortSignal): Promise<string | undefined> {
  if ((await source.open(TEMPLATE_FILE, signal)) === undefined) return undefined;
  const bytes = await readWhole(source, TEMPLATE_FILE, TEMPLATE_LIMIT, signal);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ModelLoadError(`${TEMPLATE_FILE} is not UTF-8 text; fetch the model again`, { cause });
  }
}
