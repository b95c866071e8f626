import { SMALL_FILES } from '../../models/loading/open-model.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import { builtinModelOf } from '../../training/builtin-models.ts';
import type { ModelFrom, PickedBlob } from '../../workers/model-api.ts';
import type { ModelClient } from '../../workers/model-client.ts';
import { openModelWorker } from '../models/model-worker.ts';
import type { ExportBase } from './export-model.ts';

const BUILTIN_FILES = ['config.json', 'tokenizer.json', 'model.safetensors'];

/** The base of a swarm's models, with a worker that reads it. `stop` ends the worker. */
export function openExportBase(spec: SwarmSpec, page: string): ExportBase & { stop(): void } {
  const { call, stop } = openModelWorker('export', () => undefined);
  const { signal } = new AbortController();
  return {
    async files() {
      return call('read', { from: await placeOf(spec, { page, call, signal }), names: SMALL_FILES }, signal);
    },
    async merged(checkpoint) {
      return call('merge', { from: await placeOf(spec, { page, call, signal }), checkpoint }, signal);
    },
    stop,
  };
}

/** Where the base is: beside the page, or on this device. */
async function placeOf(
  { base }: SwarmSpec,
  o: { readonly page: string; readonly call: ModelClient; readonly signal: AbortSignal },
): Promise<ModelFrom> {
  const builtin = builtinModelOf(base.root);
  if (builtin === undefined) {
    const stored = await o.call('stored', {}, o.signal);
    const found = stored.find(({ root }) => root === base.root);
    if (found !== undefined) return { kind: 'stored', id: found.id };
    throw new Error(
      `${base.name} is no longer on this device. Contribute once more, and it is fetched again.`,
    );
  }
  const files = BUILTIN_FILES.map(async (name): Promise<PickedBlob> => {
    const response = await fetch(new URL(`${builtin.folder}${name}`, o.page));
    if (response.ok) return { name, path: name, blob: await response.blob() };
    throw new Error(`The page’s server has no ${name} of ${base.name}. Try again later.`);
  });
  return { kind: 'files', files: await Promise.all(files) };
}
