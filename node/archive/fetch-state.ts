import { checkpointRoot } from '../../models/checkpoint/root.ts';
import type { Hex } from '../../protocol/hex.ts';
import type { Content } from '../../swarm/content/content.ts';
import type { ContentStore } from '../../swarm/content/store.ts';

/**
 * Fetches a published checkpoint and checks that it has the attested root. Rejects with ContentError when
 * nobody gives it, and with an Error that names both roots when it is another one.
 */
export async function fetchState(options: {
  readonly content: Pick<Content, 'fetchFile'>;
  readonly cid: string;
  readonly root: Hex;
  readonly sources: readonly string[];
  readonly into: ContentStore;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { content, cid, root, sources, into, maxBytes, signal } = options;
  const found = checkpointRoot(await content.fetchFile(cid, sources, { into, maxBytes, signal }));
  if (found !== root) {
    throw new Error(`the published checkpoint has root ${found}, not the attested ${root}`);
  }
}
