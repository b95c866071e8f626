/** Keeps what a run may have to show: the roots of all steps, and some of the checkpoints. */
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '../models/decoder/checkpoint.ts';
import type { Directory } from '../models/storage/directory.ts';
import type { Hex } from '../protocol/hex.ts';

/** The checkpoints to keep: the first, the last, and each whose number of steps is a multiple of `every`. */
export interface StoragePolicy {
  readonly every: number;
}

export interface RunArchive {
  /** The roots of the computed steps of the run with this key. Empty when the archive is of another run. */
  roots(key: Hex): Promise<readonly Hex[]>;
  saveRoots(key: Hex, roots: readonly Hex[]): Promise<void>;
  /** The checkpoint after `step` steps. Undefined when it is not kept or cannot be read. */
  load(step: number): Promise<Checkpoint | undefined>;
  save(step: number, checkpoint: Checkpoint): Promise<void>;
  /** The numbers of steps with a kept checkpoint, ascending. */
  kept(): Promise<readonly number[]>;
  /** Bytes of all checkpoints. */
  bytes(): Promise<number>;
}

const ROOTS = 'roots.json';
const NAME = /^after-([0-9]{5})\.safetensors$/;

function fileName(step: number): string {
  return `after-${String(step).padStart(5, '0')}.safetensors`;
}

function isHex(value: unknown): value is Hex {
  return typeof value === 'string' && /^0x[0-9a-f]{64}$/.test(value);
}

/**
 * An archive in its own folder. A file torn by a crash counts as absent, and its content is computed again.
 */
export function openRunArchive(directory: Directory): RunArchive {
  return {
    async roots(key) {
      const file = await directory.read(ROOTS);
      if (file === undefined) return [];
      try {
        const value: unknown = JSON.parse(new TextDecoder().decode(file));
        if (typeof value !== 'object' || value === null || !('key' in value) || !('roots' in value))
          return [];
        const { roots } = value;
        return value.key === key && Array.isArray(roots) && roots.every(isHex) ? roots : [];
      } catch {
        return [];
      }
    },
    async saveRoots(key, roots) {
      await directory.write(ROOTS, [new TextEncoder().encode(JSON.stringify({ key, roots }))]);
    },
    async load(step) {
      const file = await directory.read(fileName(step));
      if (file === undefined) return undefined;
      try {
        return decodeCheckpoint(file);
      } catch {
        return undefined;
      }
    },
    async save(step, checkpoint) {
      await directory.write(fileName(step), [encodeCheckpoint(checkpoint)]);
    },
    async kept() {
      const steps = (await directory.list()).flatMap((name) => {
        const found = NAME.exec(name)?.[1];
        return found === undefined ? [] : [Number(found)];
      });
      return steps.sort((a, b) => a - b);
    },
    async bytes() {
      let sum = 0;
      for (const name of await directory.list()) {
        if (NAME.test(name)) sum += (await directory.read(name))?.length ?? 0;
      }
      return sum;
    },
  };
}
