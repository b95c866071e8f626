import { equalBytes } from '../../protocol/bytes.ts';
import {
  chunkCount,
  chunkHash,
  chunkLength,
  decodeManifest,
  type Manifest,
  parseCid,
} from '../content/manifest.ts';
import { type FetchDependencies, PeerClient } from '../content/peer-client.ts';

/**
 * What a peer answered for a chunk of a file: `held`, it sent the chunk; `absent`, it says that it has not;
 * `other`, it sent other bytes; `busy`, it asks to come later; `silent`, it could not be reached or did not
 * answer.
 */
export type ProbeResult = 'held' | 'absent' | 'other' | 'busy' | 'silent';

/**
 * Asks a peer for one chunk of a file that it says it has, and checks it. The chunk is drawn after the
 * manifest is known, so a peer must have all of them to be sure to have it. `draw` is 0 to 1. `manifest` is
 * the file's where this device has it, or else it is asked for too.
 */
export async function probe(
  dependencies: FetchDependencies,
  options: {
    readonly peerId: string;
    readonly cid: string;
    readonly manifest: Manifest | null;
    readonly draw: number;
    readonly signal: AbortSignal;
  },
): Promise<ProbeResult> {
  const { peerId, cid, draw, signal } = options;
  const { hash } = dependencies;
  let client: PeerClient | undefined;
  try {
    client = await PeerClient.open(dependencies, peerId, signal);
    let { manifest } = options;
    if (manifest === null) {
      await client.send({ kind: 'manifest', index: 0, cid });
      const { status, bytes } = await client.receive();
      if (status !== 'found') return status;
      if (!equalBytes(await hash(bytes), parseCid(cid).digest)) return 'other';
      manifest = decodeManifest(bytes);
    }
    const count = chunkCount(manifest);
    if (count === 0) return 'held';
    const index = Math.min(count - 1, Math.floor(draw * count));
    await client.send({ kind: 'chunk', index, cid });
    const { status, index: answered, bytes } = await client.receive();
    if (status !== 'found') return status;
    const isRight =
      answered === index &&
      bytes.length === chunkLength(manifest, index) &&
      equalBytes(await hash(bytes), chunkHash(manifest, index));
    return isRight ? 'held' : 'other';
  } catch {
    signal.throwIfAborted();
    return 'silent';
  } finally {
    client?.close();
  }
}
