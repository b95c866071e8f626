/** Why nobody can take part in a swarm with this program, beside what `refusalsOf` finds. */
import { LoraError } from '../models/decoder/lora/adapters.ts';
import { checkBaseRoot, type FilesBase } from '../models/loading/base-files.ts';
import { ModelLoadError } from '../models/loading/model-source.ts';
import type { SwarmSpec } from '../protocol/swarm-spec.ts';
import { loraOf } from './lora-of.ts';

/** What a model in Hugging Face's layout has at least; its weights may lie in shards. */
const WHOLE_MODEL = [
  { name: 'config.json', test: /^config\.json$/ },
  { name: 'tokenizer.json', test: /^tokenizer\.json$/ },
  { name: 'file of weights', test: /\.safetensors$/ },
];

/**
 * A sentence for adapters that no model here has, and for a base whose files do not belong to its root or
 * make no model. Null for a swarm that can be used. With `ownModel` the device does not start from the base.
 * Nothing is fetched.
 */
export function whyUnusable(
  { base, trained }: Pick<SwarmSpec, 'base' | 'trained'>,
  options: { readonly ownModel: boolean },
): string | null {
  try {
    if (trained.kind === 'adapters') loraOf(trained);
  } catch (cause) {
    if (!(cause instanceof LoraError)) throw cause;
    return `The swarm trains adapters that this program cannot compute (${cause.message}). Take another swarm.`;
  }
  return base.kind === 'builtin' || options.ownModel ? null : whyNoModel(base);
}

function whyNoModel(base: FilesBase): string | null {
  try {
    checkBaseRoot(base);
  } catch (cause) {
    if (!(cause instanceof ModelLoadError)) throw cause;
    return `${cause.message}.`;
  }
  const absent = WHOLE_MODEL.find(({ test }) => !base.files.some(({ path }) => test.test(path)));
  if (absent === undefined) return null;
  return `The swarm’s model ${base.name} has no ${absent.name}, without which a volunteer cannot load it. Take another swarm.`;
}
