/** Files from a picker or a drop. */
import type { Picked } from './models-controller.ts';

/** The files of an input. Each path begins with the folder, where a folder was picked. */
export function filesOf(list: FileList | null): Picked[] {
  return [...(list ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/**
 * The files of a drop, and the files directly in dropped folders. Folders within them are left out: a model
 * has none. Rejects when a file cannot be read.
 */
export async function droppedFiles(transfer: DataTransfer): Promise<Picked[]> {
  // The browser empties the list once the event is over, so it is read before anything is awaited.
  const items = [...transfer.items].map((item) => ({
    entry: item.webkitGetAsEntry(),
    file: item.getAsFile(),
  }));
  const found: Picked[] = [];
  for (const { entry, file } of items) {
    if (entry === null) {
      if (file !== null) found.push({ file, path: file.name });
      continue;
    }
    if (isFile(entry)) found.push(await picked(entry, entry.name));
    if (!isFolder(entry)) continue;
    for (const inner of await contents(entry)) {
      if (isFile(inner)) found.push(await picked(inner, `${entry.name}/${inner.name}`));
    }
  }
  return found;
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

async function picked(entry: FileSystemFileEntry, path: string): Promise<Picked> {
  const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
  return { file, path };
}

/** Everything in a folder. A reader returns up to a hundred entries at a time, and none at the end. */
async function contents(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return all;
    all.push(...some);
  }
}
