import { copyFile, mkdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep } from '../../chain/sleep.ts';
import { fetchNamedFile } from '../../models/loading/base-files.ts';
import { openFolderFileStore } from '../../models/loading/folder-file-store.ts';
import { ModelLoadError } from '../../models/loading/model-source.ts';
import type { SourceFile } from '../../protocol/swarm-spec.ts';
import { askAgain, QUIET_ASKS } from '../../swarm/content/ask-again.ts';
import { ContentError } from '../../swarm/content/content-error.ts';
import { MAX_OBJECT } from '../../swarm/content/manifest.ts';
import { type FromMembers, isLarge, isSmall, type LargeFile } from '../../swarm/content/member-files.ts';
import { isFile, isFileAt, readNamedFile } from './member-files.ts';
import { PartFileStore } from './part-file-store.ts';

export interface ObtainFileOptions {
  readonly file: SourceFile;
  /** Folder on this device that keeps it. */
  readonly folder: string;
  /** Name in the folder. */
  readonly name: string;
  /** What people call it, such as "the questions sums". */
  readonly label: string;
  /** The option that names a folder which has it, such as "--data". */
  readonly option: string;
  /** URL of a folder to try before the file's own addresses. */
  readonly address?: string | undefined;
  /** Asks members. Defaults to nobody. */
  readonly fromMembers?: FromMembers | undefined;
  /** Defaults to the platform's `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Waits between two rounds of asking members. Tests inject their own. */
  readonly sleep?: ((ms: number, signal: AbortSignal) => Promise<void>) | undefined;
  readonly onNotice?: ((sentence: string) => void) | undefined;
  /** Bytes of a large file that are here. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Puts a file that a specification names into a folder: it is there already, or one of its addresses has it,
 * or members, who are asked until one has it. Size and SHA-256 are checked, and what was fetched before a
 * download ended is not fetched again. Throws ModelLoadError where neither an address nor members can give
 * it, and the signal's reason once that fires.
 */
export async function obtainFile(options: ObtainFileOptions): Promise<void> {
  const { file, folder, name, address, fromMembers, signal } = options;
  const path = join(folder, name);
  // What members gave has no state of a download beside it.
  if (isSmall(file) && (await readNamedFile(file, path)) !== undefined) return;
  if (isLarge(file) && (await isFileAt(file, path, signal))) return;
  const isAnywhere = address !== undefined || file.urls.length > 0;
  const isPassedOn = isSmall(file) || isLarge(file);
  if (isAnywhere || fromMembers === undefined) {
    try {
      await fetchNamedFile({
        ...{ file, name, store: await openFolderFileStore(folder), folder: address, signal },
        ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
      });
      return;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof ModelLoadError) || fromMembers === undefined || !isPassedOn) throw error;
      options.onNotice?.(`${error.message}. This device asks the members of the swarm for it.`);
    }
  }
  if (fromMembers === undefined || !isPassedOn) {
    throw new ModelLoadError(
      `${file.path} has ${file.size} bytes and neither an address nor a manifest, by which members pass on files of more than ${MAX_OBJECT} bytes; ask whoever started the swarm for it, and name its folder with ${options.option}`,
    );
  }
  await mkdir(folder, { recursive: true });
  const part = `${path}.part`;
  if (isLarge(file)) {
    // What an address gave before it failed is a beginning.
    if ((await stat(part).catch(() => undefined)) === undefined)
      await copyFile(path, part).catch(() => undefined);
    await askInChunks({ ...options, file }, fromMembers, part);
  } else {
    await writeFile(part, await askWhole(options, fromMembers));
  }
  await rename(part, path);
}

/** Asks members until the file at `part` is the one that the specification names. */
async function askInChunks(
  options: ObtainFileOptions & { readonly file: LargeFile },
  fromMembers: FromMembers,
  part: string,
): Promise<void> {
  const { file, label, onNotice, onProgress = () => undefined } = options;
  const store = new PartFileStore(file, part);
  await askMembers(options, (signal) => fromMembers.large(file, store, { signal, onProgress }));
  onNotice?.(`All of ${label} is here; its hash is compared.`);
  await truncate(part, file.size);
  if (await isFileAt(file, part, options.signal)) return;
  await rm(part, { force: true });
  throw new ModelLoadError(
    `The manifest that the swarm names for ${file.path} is of another file than its SHA-256; take another swarm, or name a folder with ${options.option}`,
  );
}

function askWhole(options: ObtainFileOptions, fromMembers: FromMembers): Promise<Uint8Array> {
  const { file } = options;
  return askMembers(options, async (signal) => {
    const found = await fromMembers.small(file, signal);
    if (isFile(file, found)) return found;
    throw new ContentError(`${file.path} has another hash`);
  });
}

/** Asks members until one has it. An error of the specification ends it. */
function askMembers<T>(
  { label, option, sleep: pause = sleep, onNotice, signal }: ObtainFileOptions,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return askAgain({
    ask,
    sleep: pause,
    signal: signal ?? new AbortController().signal,
    isFinal: (error) => error instanceof ModelLoadError,
    onFailure(asks) {
      if (asks !== QUIET_ASKS) return;
      onNotice?.(
        `No member who is here now has ${label}. This device asks again every few seconds; where you have them, stop it and name their folder with ${option}.`,
      );
    },
  });
}
