/** The file of each tensor: model.safetensors alone, or the shards named by model.safetensors.index.json. */
import { isFileName, MAX_FILES, ModelLoadError } from './model-source.ts';

export const SINGLE_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';
export const INDEX_LIMIT = 1 << 24;

/** The JSON object of a model's file. Throws ModelLoadError, which names the file. */
export function parseJsonObject(bytes: Uint8Array, file: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new ModelLoadError(`${file} is not JSON; fetch the model again`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ModelLoadError(`${file} must be a JSON object; fetch the model again`);
  }
  return value as Readonly<Record<string, unknown>>;
}

/** Bytes of all tensors according to the index, for estimates. Undefined when the index does not tell. */
export function totalOfIndex(bytes: Uint8Array): number | undefined {
  const { metadata } = parseJsonObject(bytes, INDEX_FILE);
  if (typeof metadata !== 'object' || metadata === null || !('total_size' in metadata)) return undefined;
  const { total_size: total } = metadata;
  return typeof total === 'number' && Number.isSafeInteger(total) && total > 0 ? total : undefined;
}

/**
 * File names by tensor name, from the bytes of an index file. Throws ModelLoadError unless each is a plain
 * name of a safetensors file.
 */
export function parseWeightsIndex(bytes: Uint8Array): ReadonlyMap<string, string> {
  const fail = (problem: string): never => {
    throw new ModelLoadError(`${INDEX_FILE}: ${problem}; fetch the model again`);
  };
  const json = parseJsonObject(bytes, INDEX_FILE);
  const map = Object.hasOwn(json, 'weight_map') ? json.weight_map : undefined;
  if (typeof map !== 'object' || map === null || Array.isArray(map)) return fail('weight_map is missing');
  const files = new Map<string, string>();
  for (const [tensor, file] of Object.entries(map)) {
    if (typeof file !== 'string' || !isFileName(file) || !file.endsWith('.safetensors')) {
      return fail(`${JSON.stringify(tensor.slice(0, 80))} is in no safetensors file of this folder`);
    }
    files.set(tensor, file);
  }
  if (files.size === 0) fail('it names no tensor');
  if (new Set(files.values()).size > MAX_FILES) fail(`it names more than ${MAX_FILES} files`);
  return files;
}
