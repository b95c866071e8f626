import { sleep } from '../../chain/sleep.ts';
import { openFileDirectory } from '../../models/storage/file-directory.ts';
import type { ChunkedBase } from '../../protocol/chunked-base.ts';
import { DirectoryContent } from '../../swarm/blocks/directory-content.ts';
import { ChunkedFiles } from '../../swarm/content/chunked-files.ts';
import type { StoreWithLocalFiles } from '../../swarm/content/local-files.ts';
import { type FromMembers, offerFile } from '../../swarm/content/member-files.ts';
import type { NodeModel } from './block-computer.ts';

export interface ChunkedModelOptions {
  readonly base: ChunkedBase;
  /** Folder of what was fetched of it. */
  readonly folder: string;
  readonly fromMembers: FromMembers;
  /** Serves members what is here of it. */
  readonly store: StoreWithLocalFiles;
  /** One sentence at a time about what is done. */
  readonly onNotice: (sentence: string) => void;
  /** Ends reading. */
  readonly signal: AbortSignal;
}

/** A base of which this process reads, keeps and passes on what its blocks need ([S-15]). */
export async function chunkedModel(options: ChunkedModelOptions): Promise<NodeModel> {
  const { base, folder, fromMembers, store, onNotice, signal } = options;
  const megabytes = Math.ceil(base.files.reduce((sum, { size }) => sum + size, 0) / 1e6);
  onNotice(`Of ${base.name} (${megabytes} MB) this device fetches what its blocks need, when they need it.`);
  const kept = await DirectoryContent.open({
    files: await openFileDirectory(folder),
    // The disk is the limit.
    quotaBytes: Number.MAX_SAFE_INTEGER,
    reserves: 'chunks',
  });
  const { files } = base;
  const chunked = new ChunkedFiles({
    ...{ files, fromMembers, sleep },
    openStore: async () => kept,
    fetcher: (...request) => fetch(...request),
    serve: (file, local, manifest) => offerFile(store, file, local, manifest),
    onWaiting(sentence) {
      if (sentence !== null) onNotice(sentence);
    },
  });
  return {
    kind: 'chunked',
    files: files.map(({ path, size }) => ({ name: path, size })),
    page: {
      read: (name, offset, length) => chunked.read(name, offset, length, signal),
      released: (parts) => chunked.release(parts),
    },
  };
}
