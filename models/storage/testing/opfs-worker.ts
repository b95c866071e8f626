/** A worker that a browser test drives: saves and loads a slot in the private file system, one command a message. */
import { openDurableSlot } from '../durable-slot.ts';
import { openOpfsDirectory } from '../opfs-directory.ts';

/** The value of a save follows from its generation, so that a torn or mixed one shows. */
function contentOf(generation: number, bytes: number): Uint8Array {
  const value = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++) value[i] = (i * 31 + generation * 97 + (i >> 8)) & 255;
  return value;
}

const opened = openOpfsDirectory(['storage-test']);

async function perform(command: string, bytes: number): Promise<unknown> {
  const slot = openDurableSlot({ directory: await opened, name: 'checkpoint' });
  switch (command) {
    case 'save': {
      const generation = ((await slot.load())?.generation ?? 0) + 1;
      return slot.save(contentOf(generation, bytes));
    }
    case 'save for ever': {
      let generation = (await slot.load())?.generation ?? 0;
      for (;;) {
        generation = await slot.save(contentOf(generation + 1, bytes));
        postMessage({ saved: generation });
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

addEventListener('message', ({ data: { id, command, bytes } }) => {
  perform(command, bytes).then(
    (value) => postMessage({ id, value }),
    (error: Error) => postMessage({ id, error: { name: error.name, message: error.message } }),
  );
});
