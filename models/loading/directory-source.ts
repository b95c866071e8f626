import type { ModelDirectory } from './model-directory.ts';
import type { ModelSource } from './model-source.ts';

/**
 * The named files of a model's folder on this device. They are read without a lock, so that a model can be
 * trained and asked at once. Reading throws ModelLoadError once a file is gone.
 */
export function directorySource(
  directory: Pick<ModelDirectory, 'reader'>,
  folder: string,
  names: readonly string[],
): ModelSource {
  return {
    description: 'this device',
    list: async () => names,
    open: async (name) => (names.includes(name) ? directory.reader(folder, name) : undefined),
  };
}
