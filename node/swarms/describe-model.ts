import { basename, resolve } from 'node:path';
import { describeFiles } from '../../models/loading/describe-files.ts';
import { folderSource } from '../../models/loading/folder-source.ts';
import type { BaseModel } from '../../protocol/swarm-spec.ts';

/**
 * A model's folder as the base of a specification: each file with its hash, and with the manifest by which
 * members pass it on. Reads every file. Throws ModelLoadError for a folder without a model.
 */
export async function describeModel(options: {
  readonly folder: string;
  /** URL of a folder with the same files. Defaults to none: members have them from one another. */
  readonly address?: string | undefined;
  readonly signal: AbortSignal;
}): Promise<BaseModel> {
  const { address, signal } = options;
  const folder = resolve(options.folder);
  const source = folderSource(folder);
  const { files, root } = await describeFiles(source, { signal, onProgress: () => undefined });
  const place = address === undefined || address.endsWith('/') ? address : `${address}/`;
  return {
    kind: 'files',
    name: basename(folder),
    root,
    files: files.map(({ name, size, sha256, manifest }) => ({
      path: name,
      size,
      sha256: `0x${sha256}`,
      urls: place === undefined ? [] : [new URL(name, place).href],
      ...(manifest === undefined ? {} : { manifest }),
    })),
  };
}
