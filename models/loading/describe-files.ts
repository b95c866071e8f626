/** Names a model by the hashes of its files. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { ManifestBuilder, MOST_FILE_BYTES, MOST_WHOLE_BYTES } from '../../protocol/file-manifest.ts';
import type { Hex } from '../../protocol/hex.ts';
import { filesRoot, type HashedFile } from './file-root.ts';
import { ModelLoadError, type ModelSource } from './model-source.ts';

/** Files that loading a model reads, besides weights. Everything else in a folder is left out. */
const SMALL_FILES: ReadonlySet<string> = new Set([
  'config.json',
  'generation_config.json',
  'model.safetensors.index.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
  'chat_template.json',
]);

const PIECE = 4 << 20;

/** A file's hash and, for one of more than 1 MiB, the name by which members of a swarm pass it on. */
export interface DescribedFile extends HashedFile {
  /** CIDv1 of the file's manifest. Absent for a file of at most 1 MiB or of more than 4 GiB. */
  readonly manifest?: string;
}

/**
 * Hashes every file that loading the model reads, piece by piece. `onProgress` gets the bytes so far and of
 * all. Throws ModelLoadError for a source without such files.
 */
export async function describeFiles(
  source: ModelSource,
  o: {
    readonly signal: AbortSignal;
    readonly onProgress: (bytes: number, total: number) => void;
  },
): Promise<{ readonly files: readonly DescribedFile[]; readonly root: Hex }> {
  const names = (await source.list(o.signal)).filter(
    (name) => SMALL_FILES.has(name) || name.endsWith('.safetensors'),
  );
  const opened = await Promise.all(
    names.map(async (name) => ({ name, reader: await source.open(name, o.signal) })),
  );
  const found = opened.flatMap(({ name, reader }) => (reader === undefined ? [] : [{ name, reader }]));
  if (found.length === 0) {
    throw new ModelLoadError(
      `${source.description} has no model; choose a folder with config.json and weights`,
    );
  }
  const total = found.reduce((sum, { reader }) => sum + reader.size, 0);
  let bytes = 0;
  const files: DescribedFile[] = [];
  for (const { name, reader } of found) {
    const hash = sha256.create();
    const { size } = reader;
    const manifest = size > MOST_WHOLE_BYTES && size <= MOST_FILE_BYTES ? new ManifestBuilder() : undefined;
    for (let at = 0; at < reader.size; at += PIECE) {
      const piece = await reader.read(at, Math.min(PIECE, reader.size - at), o.signal);
      hash.update(piece);
      await manifest?.update(piece);
      bytes += piece.length;
      o.onProgress(bytes, total);
    }
    files.push({
      ...{ name, size, sha256: bytesToHex(hash.digest()) },
      ...(manifest === undefined ? {} : { manifest: await manifest.cid() }),
    });
  }
  return { files, root: filesRoot(files) };
}
