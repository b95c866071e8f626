/** How a device publishes its checkpoints: their roots each round, the checkpoints themselves on request. */
import type { Hex } from '../../protocol/hex.ts';
import { fileCid, type LocalFile, type StoreWithLocalFiles } from '../content/local-files.ts';
import { type Hash, manifestOf, manifestOfFile, webHash } from '../content/manifest.ts';

/** Names a round's checkpoint, and sees to it that whoever asks by that name gets it. */
export type PublishCheckpoint = (checkpoint: {
  readonly root: Hex;
  /** The file, as the trainer stored it. */
  readonly file: Uint8Array;
}) => Promise<string>;

/** Checkpoints that the device keeps on its disk, by some policy of its own. */
export interface KeptCheckpoints {
  list(): Promise<readonly { readonly root: Hex; readonly bytes: number }[]>;
  /** A part of a checkpoint's file. Undefined when it is not kept. */
  read(root: Hex, offset: number, length: number): Promise<Uint8Array | undefined>;
}

export interface CheckpointOffersOptions {
  readonly store: Pick<StoreWithLocalFiles, 'offer' | 'delete'>;
  readonly kept: KeptCheckpoints;
  /** Defaults to `webHash`. */
  readonly hash?: Hash;
}

/**
 * Serves kept checkpoints from where they lie, chunk by chunk. A checkpoint that the policy deletes is absent
 * from then on; its root and the rollouts stay published, so that it can be computed again.
 */
export class CheckpointOffers {
  readonly #options: CheckpointOffersOptions;
  /** The names of what is offered, by root. */
  readonly #offered = new Map<Hex, string>();

  constructor(options: CheckpointOffersOptions) {
    this.#options = options;
  }

  /** The CID of a checkpoint that was just stored. Copies none of it. */
  readonly publish: PublishCheckpoint = async ({ root, file }) => {
    const { hash = webHash, store } = this.#options;
    const manifest = await manifestOf(file, hash);
    const cid = await fileCid(manifest, hash);
    store.offer(cid, this.#fileOf(root, file.length), manifest);
    this.#offered.set(root, cid);
    await this.#withdrawDeleted(root);
    return cid;
  };

  /** Serves what earlier runs kept, too. Reads all of it once for its names. Skips what cannot be read. */
  async offerKept(signal?: AbortSignal): Promise<void> {
    const { hash = webHash, store, kept } = this.#options;
    for (const { root, bytes } of await kept.list()) {
      signal?.throwIfAborted();
      const file = this.#fileOf(root, bytes);
      const manifest = await manifestOfFile(file, hash).catch(() => undefined);
      if (manifest === undefined) continue;
      const cid = await fileCid(manifest, hash);
      store.offer(cid, file, manifest);
      this.#offered.set(root, cid);
    }
  }

  /** The store has a limited number of offers, and a device in its thousandth round has others to make. */
  async #withdrawDeleted(newest: Hex): Promise<void> {
    const listed = await this.#options.kept.list().catch(() => undefined);
    if (listed === undefined) return;
    const kept = new Set(listed.map(({ root }) => root));
    for (const [root, cid] of this.#offered) {
      if (kept.has(root) || root === newest) continue;
      this.#offered.delete(root);
      await this.#options.store.delete(cid);
    }
  }

  #fileOf(root: Hex, size: number): LocalFile {
    return { size, read: (offset, length) => this.#options.kept.read(root, offset, length) };
  }
}
