/**
 * A worker that opfs-directory.test.ts drives: a slot and a directory in the browser's private file system.
 */
import { serveCommands } from '../../testing/worker-commands.ts';
import type { Directory } from '../directory.ts';
import { openDurableSlot } from '../durable-slot.ts';
import { openOpfsDirectory } from '../opfs-directory.ts';

export interface DirectoryCall {
  readonly folder: string;
  readonly method: keyof Directory;
  readonly args: readonly unknown[];
}

/** The value of a save follows from its generation, so that a torn or mixed value is recognised. */
function contentOf(generation: number, bytes: number): Uint8Array {
  const value = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++) value[i] = (i * 31 + generation * 97 + (i >> 8)) & 255;
  return value;
}

async function callDirectory({ folder, method, args }: DirectoryCall): Promise<unknown> {
  const directory = await openOpfsDirectory([folder]);
  return (directory[method] as (...args: readonly unknown[]) => Promise<unknown>)(...args);
}

const opened = openOpfsDirectory(['storage-test']);

async function perform(command: string, argument: unknown): Promise<unknown> {
  const slot = openDurableSlot({ directory: await opened, name: 'checkpoint' });
  switch (command) {
    case 'directory':
      return callDirectory(argument as DirectoryCall);
    case 'save': {
      const generation = ((await slot.load())?.generation ?? 0) + 1;
      return slot.save(contentOf(generation, argument as number));
    }
    case 'save for ever': {
      let generation = (await slot.load())?.generation ?? 0;
      for (;;) {
        generation = await slot.save(contentOf(generation + 1, argument as number));
        postMessage({ posted: generation });
      }
    }
    case 'load': {
      const stored = await slot.load();
      if (stored === undefined) return null;
      const expected = contentOf(stored.generation, stored.data.byteLength);
      const whole = stored.data.every((byte, index) => byte === expected[index]);
      return { generation: stored.generation, bytes: stored.data.byteLength, whole };
    }
    case 'hold': {
      const root = await navigator.storage.getDirectory();
      const folder = await root.getDirectoryHandle('storage-test');
      const file = await folder.getFileHandle('checkpoint.a');
      await file.createSyncAccessHandle();
      return 'held';
    }
    default:
      throw new Error(`Unknown command ${command}.`);
  }
}

serveCommands(perform);
