import { basename, resolve } from 'node:path';
import { SafetensorsError } from '../../models/checkpoint/safetensors.ts';
import { ModelConfigError } from '../../models/decoder/config.ts';
import { frozenRoot } from '../../models/decoder/lora/frozen-root.ts';
import { describeFiles } from '../../models/loading/describe-files.ts';
import { folderSource } from '../../models/loading/folder-source.ts';
import { ModelLoadError, type ModelSource } from '../../models/loading/model-source.ts';
import { openDescription } from '../../models/loading/open-model.ts';
import { openWeights } from '../../models/loading/weight-files.ts';
import { TokenizerError } from '../../models/tokenizer/tokenizer-error.ts';
import type { Hex } from '../../protocol/hex.ts';
import type { BaseModel } from '../../protocol/swarm-spec.ts';

/**
 * A model's folder as the base of a specification: each file with its hash, and with the manifest by which
 * members pass it on, and the root of the weights, by which members of blocks need not read all of it. Reads
 * every file twice. Throws ModelLoadError for a folder without a model.
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
  const frozen = await frozenRootOf(source, signal);
  const place = address === undefined || address.endsWith('/') ? address : `${address}/`;
  return {
    kind: 'files',
    name: basename(folder),
    root,
    ...(frozen === undefined ? {} : { frozenRoot: frozen }),
    files: files.map(({ name, size, sha256, manifest }) => ({
      path: name,
      size,
      sha256: `0x${sha256}`,
      urls: place === undefined ? [] : [new URL(name, place).href],
      ...(manifest === undefined ? {} : { manifest }),
    })),
  };
}

/** Undefined for a model that this program cannot open: another one may know it. */
async function frozenRootOf(source: ModelSource, signal: AbortSignal): Promise<Hex | undefined> {
  try {
    const { config } = await openDescription(source, signal);
    return await frozenRoot(config, await openWeights(source, config, { signal }), { signal });
  } catch (error) {
    signal.throwIfAborted();
    const isUnknown = [ModelLoadError, ModelConfigError, SafetensorsError, TokenizerError].some(
      (kind) => error instanceof kind,
    );
    if (isUnknown) return undefined;
    throw error;
  }
}
