import type { LocalFile } from './local-files.ts';

/** What reads an open file. */
export type FileReader = Pick<LocalFile, 'read'>;

/**
 * A file on this device of `size` bytes that stays open from one read to the next, because opening a file of
 * the browser's storage takes longer than reading a chunk. It is opened when it is first read, and once more
 * when it cannot be read: a deleted file is then absent, and one that was written again is there.
 */
export function reopenedFile(size: number, open: () => Promise<FileReader | undefined>): LocalFile {
  let opened: Promise<FileReader | undefined> | undefined;

  async function attempt(offset: number, length: number): Promise<Uint8Array | undefined> {
    opened ??= open();
    const own = opened;
    let bytes: Uint8Array | undefined;
    try {
      bytes = await (await own)?.read(offset, length);
      return bytes;
    } finally {
      if (bytes === undefined && opened === own) opened = undefined;
    }
  }

  return {
    size,
    async read(offset, length) {
      if (opened !== undefined) {
        const bytes = await attempt(offset, length).catch(() => undefined);
        if (bytes !== undefined) return bytes;
      }
      return attempt(offset, length);
    },
  };
}
