import { SMALL_FILES } from '../../models/loading/open-model.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import { BUILTIN_MODELS, builtinModelOf } from '../../training/builtin-models.ts';
import type { ModelFrom, PickedBlob } from '../../workers/model-api.ts';
import type { ModelClient } from '../../workers/model-client.ts';
import { modelAt } from '../../workers/published-model.ts';
import { openModelWorker } from '../volunteer/model-worker.ts';
import type { OwnModel } from '../volunteer/own-model.ts';
import type { ExportBase } from './export-model.ts';

const BUILTIN_FILES = ['config.json', 'tokenizer.json', 'model.safetensors'] as const;

/** The model that this device started from, with a worker that reads it. `stop` ends the worker. */
export function openExportBase(
  spec: SwarmSpec,
  { page, ownModel }: { readonly page: string; readonly ownModel: OwnModel | null },
): ExportBase & { stop(): void } {
  const { call, stop } = openModelWorker('export', () => undefined);
  const { signal } = new AbortController();
  const place = { page, ownModel, call, signal };
  return {
    async files() {
      return call('read', { from: await placeOf(spec, place), names: SMALL_FILES }, signal);
    },
    async merged(checkpoint) {
      return call('merge', { from: await placeOf(spec, place), checkpoint }, signal);
    },
    stop,
  };
}

/** Where the model is: beside the page, or on this device. */
async function placeOf(
  { base }: SwarmSpec,
  o: {
    readonly page: string;
    readonly ownModel: OwnModel | null;
    readonly call: ModelClient;
    readonly signal: AbortSignal;
  },
): Promise<ModelFrom> {
  const { ownModel } = o;
  if (ownModel?.kind === 'stored') return { kind: 'stored', id: ownModel.id };
  const builtin =
    ownModel === null ? builtinModelOf(base.root) : BUILTIN_MODELS.find(({ name }) => name === ownModel.name);
  if (builtin === undefined) {
    const stored = await o.call('stored', {}, o.signal);
    const found = stored.find(({ root }) => root === base.root);
    if (found !== undefined) return { kind: 'stored', id: found.id };
    throw new Error(
      `${base.name} is no longer on this device. Contribute once more, and it is fetched again.`,
    );
  }
  const published = modelAt(new URL(builtin.folder, o.page));
  const files = BUILTIN_FILES.map(async (name): Promise<PickedBlob> => {
    const bytes = await published.file(name, o.signal);
    return { name, path: name, blob: new Blob([new Uint8Array(bytes)]) };
  });
  return { kind: 'files', files: await Promise.all(files) };
}
