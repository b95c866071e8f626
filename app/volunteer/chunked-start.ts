import type { SourceFile } from '../../protocol/swarm-spec.ts';
import type { ChunkedFiles, ChunkStore } from '../../swarm/content/chunked-files.ts';

/** A model of which the device reads parts, from addresses and members ([S-15]). */
export interface ChunkedStart {
  readonly kind: 'chunked';
  readonly files: readonly SourceFile[];
  /** Opens the files. `openStore` opens the store that keeps what was fetched. */
  open(openStore: () => Promise<ChunkStore>): ChunkedFiles;
}
