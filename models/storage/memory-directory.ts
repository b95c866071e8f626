import { checkName, type Directory, StorageFullError } from './directory.ts';

/** The process died here (in a test): nothing after this point reaches the medium. */
export class KilledError extends Error {
  override readonly name = 'KilledError';
}

export interface MemoryDirectory extends Directory {
  readonly files: Map<string, Uint8Array<ArrayBuffer>>;
}

/**
 * A Directory in memory, for tests and for a page without storage. Options for tests: after `killAfter`
 * written bytes the process ends (defaults to never). `tail` is the rest of the file torn then: absent, or
 * zeros as in an extended but unwritten file (defaults to absent). `capacity` is the size of all files
 * together in bytes (defaults to no limit).
 */
export function openMemoryDirectory(
  options: {
    readonly files?: Map<string, Uint8Array<ArrayBuffer>>;
    readonly killAfter?: number;
    readonly tail?: 'absent' | 'zeros';
    readonly capacity?: number;
  } = {},
): MemoryDirectory {
  const files = options.files ?? new Map<string, Uint8Array<ArrayBuffer>>();
  let left = options.killAfter ?? Number.POSITIVE_INFINITY;
  let dead = false;
  const alive = () => {
    if (dead) throw new KilledError('The process is gone.');
  };
  return {
    files,
    async list() {
      alive();
      return [...files.keys()];
    },
    async read(name) {
      checkName(name);
      alive();
      const data = files.get(name);
      return data === undefined ? undefined : data.slice();
    },
    async readPart(name, offset, length) {
      checkName(name);
      alive();
      const part = files.get(name)?.slice(offset, offset + length);
      return part?.length === length ? part : undefined;
    },
    async write(name, parts) {
      checkName(name);
      alive();
      const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
      let at = 0;
      for (const part of parts) {
        whole.set(part, at);
        at += part.byteLength;
      }
      let used = 0;
      for (const [other, data] of files) if (other !== name) used += data.byteLength;
      const room = (options.capacity ?? Number.POSITIVE_INFINITY) - used;
      if (left < whole.byteLength) {
        dead = true;
        const torn = whole.slice(0, left);
        if (options.tail === 'zeros') {
          const padded = new Uint8Array(whole.byteLength);
          padded.set(torn);
          files.set(name, padded);
        } else files.set(name, torn);
        throw new KilledError(`Killed at byte ${left} of ${name}.`);
      }
      if (room < whole.byteLength) {
        files.set(name, whole.slice(0, Math.max(0, room)));
        throw new StorageFullError(whole.byteLength);
      }
      left -= whole.byteLength;
      files.set(name, whole);
    },
    async remove(name) {
      checkName(name);
      alive();
      files.delete(name);
    },
  };
}
