import type { BaseModel, SourceFile } from '../../protocol/swarm-spec.ts';
import type { DescribedFiles } from '../../workers/model-api.ts';
import { folderAddress, nameOfStored } from '../models/naming.ts';
import { openModelWorker } from '../volunteer/model-worker.ts';
import { bringable, type OwnModel } from '../volunteer/own-model.ts';
import type { BaseFrom, SwarmsPort } from './swarms-port.ts';

/** Names a model by its files, in a worker of its own. Throws what loading a model throws. */
export const describeBase: SwarmsPort['describeBase'] = async (from, { onProgress, signal }) => {
  const { call, stop } = openModelWorker('describe', (event) => {
    if (event.kind === 'download' || event.kind === 'describe') onProgress(event.bytes, event.total);
  });
  try {
    if (from.kind === 'folder') {
      const described = await call('describe', { from: { kind: 'files', files: from.files } }, signal);
      return baseModel(from, described, () => []);
    }
    const { id, url } = await call('download', { url: folderAddress(from.url) }, signal);
    const described = await call('describe', { from: { kind: 'stored', id } }, signal);
    return baseModel(from, described, (name) => [new URL(name, url).href]);
  } finally {
    stop();
  }
};

/** Keeps a swarm's base on this device, from a folder that a person chose. Throws what BaseLibrary throws. */
export const keepBase: SwarmsPort['keepBase'] = async (base, files, { onProgress, signal }) => {
  const { call, stop } = openModelWorker('keep', (event) => {
    if (event.kind === 'obtain') onProgress(event.bytes, event.total);
  });
  try {
    const kept = await call('take', { base, files }, signal);
    if (kept.kind === 'whole') return;
    const [missing] = kept.files;
    throw new Error(`The folder lacks ${missing?.path ?? 'a file'}. Choose the folder of ${base.name}.`);
  } finally {
    stop();
  }
};

/** The models that this device can bring to a swarm. */
export async function bringableHere(): Promise<readonly OwnModel[]> {
  const { call, stop } = openModelWorker('bringable', () => undefined);
  try {
    return bringable(await call('stored', {}), nameOfStored);
  } finally {
    stop();
  }
}

function baseModel(
  from: BaseFrom,
  { files, root }: DescribedFiles,
  urlsOf: (name: string) => readonly string[],
): BaseModel {
  return {
    kind: 'files',
    name: from.kind === 'folder' ? from.name : nameOf(from.url),
    root,
    files: files.map(
      ({ name, size, sha256, manifest }): SourceFile => ({
        path: name,
        size,
        sha256: `0x${sha256}`,
        urls: urlsOf(name),
        ...(manifest === undefined ? {} : { manifest }),
      }),
    ),
  };
}

/** `Qwen/Qwen2.5-0.5B` of an address at a model hub; the last part of any other. */
function nameOf(address: string): string {
  const parts = new URL(address).pathname.split('/').filter((part) => part !== '');
  const resolve = parts.indexOf('resolve');
  const named = resolve > 0 ? parts.slice(0, resolve) : parts;
  return named.slice(-2).join('/') || 'model';
}
