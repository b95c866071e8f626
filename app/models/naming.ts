/** Names of models on the screen. Pure. */
import type { StoredModel } from '../../models/loading/library.ts';

/**
 * The folder that an address means. The address of a model's page on Hugging Face, such as
 * "huggingface.co/Qwen/Qwen2.5-0.5B", becomes the folder of its files. Any other address stays as it is.
 */
export function folderAddress(text: string): string {
  const trimmed = text.trim();
  if (!URL.canParse(trimmed)) return trimmed;
  const url = new URL(trimmed);
  const steps = url.pathname.split('/').filter((step) => step !== '');
  if (url.hostname !== 'huggingface.co') return trimmed;
  if (steps.length === 2) return new URL(`/${steps.join('/')}/resolve/main/`, url).href;
  if (steps[2] === 'tree' && steps.length === 4) {
    return new URL(`/${steps[0]}/${steps[1]}/resolve/${steps[3]}/`, url).href;
  }
  return trimmed;
}

/** "Qwen/Qwen2.5-0.5B" for a Hugging Face address, otherwise the last two parts of host and path. */
export function nameOfAddress(text: string): string {
  if (!URL.canParse(text)) return text;
  const { pathname, host } = new URL(text);
  const steps = pathname.split('/').filter((step) => step !== '');
  const resolve = steps.indexOf('resolve');
  const named = (resolve > 0 ? steps.slice(0, resolve) : steps).slice(-2);
  return [...(named.length < 2 ? [host] : []), ...named.map(decoded)].join('/');
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}

/** The name of a model on this device. */
export function nameOfStored({ name, url, id }: Pick<StoredModel, 'name' | 'url' | 'id'>): string {
  return name ?? (url === null ? id : nameOfAddress(url));
}

/** Name of the folder that was picked, or a general name for picked files. */
export function nameOfPicked(paths: readonly string[]): string {
  const [folder, ...rest] = (paths[0] ?? '').split('/');
  return rest.length > 0 && folder ? folder : 'Picked files';
}
