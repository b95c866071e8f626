import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep } from '../../chain/sleep.ts';
import { fetchNamedFile } from '../../models/loading/base-files.ts';
import { openFolderFileStore } from '../../models/loading/folder-file-store.ts';
import { ModelLoadError } from '../../models/loading/model-source.ts';
import type { SourceFile } from '../../protocol/swarm-spec.ts';
import { MAX_OBJECT } from '../../swarm/content/manifest.ts';
import { type FromMembers, isFile, isPassedOn, readNamedFile } from './member-files.ts';

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
  readonly signal?: AbortSignal | undefined;
}

/** Time between two rounds of asking members, in ms. */
const ASK_AGAIN_MS = 2_000;
/** Rounds of asking before a person is told. A device that has just joined knows nobody yet. */
const QUIET_ASKS = 3;

/**
 * Puts a file that a specification names into a folder: it is there already, or one of its addresses has it,
 * or members, who are asked until one has it. Size and SHA-256 are checked. Throws ModelLoadError where
 * neither an address nor members can give it, and the signal's reason once that fires.
 */
export async function obtainFile(options: ObtainFileOptions): Promise<void> {
  const { file, folder, name, address, fromMembers, signal } = options;
  const path = join(folder, name);
  // What members gave has no state of a download beside it.
  if (isPassedOn(file) && (await readNamedFile(file, path)) !== undefined) return;
  const isAnywhere = address !== undefined || file.urls.length > 0;
  if (isAnywhere || fromMembers === undefined) {
    try {
      await fetchNamedFile({
        ...{ file, name, store: await openFolderFileStore(folder), folder: address, signal },
        ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
      });
      return;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof ModelLoadError) || fromMembers === undefined || !isPassedOn(file)) throw error;
      options.onNotice?.(`${error.message}. This device asks the members of the swarm for it.`);
    }
  }
  const bytes = await askMembers(options, fromMembers);
  await mkdir(folder, { recursive: true });
  await writeFile(`${path}.part`, bytes);
  await rename(`${path}.part`, path);
}

async function askMembers(
  { file, label, option, sleep: pause = sleep, onNotice, signal }: ObtainFileOptions,
  fromMembers: FromMembers | undefined,
): Promise<Uint8Array> {
  if (fromMembers === undefined || !isPassedOn(file)) {
    throw new ModelLoadError(
      `${file.path} has ${file.size} bytes and no address, and members pass on files of at most ${MAX_OBJECT} bytes; ask whoever started the swarm for it, and name its folder with ${option}`,
    );
  }
  const ending = signal ?? new AbortController().signal;
  for (let asks = 1; ; asks++) {
    ending.throwIfAborted();
    const found = await fromMembers(file, ending).catch(() => undefined);
    ending.throwIfAborted();
    if (found !== undefined && isFile(file, found)) return found;
    if (asks === QUIET_ASKS) {
      onNotice?.(
        `No member who is here now has ${label}. This device asks again every few seconds; where you have them, stop it and name their folder with ${option}.`,
      );
    }
    await pause(ASK_AGAIN_MS, ending);
  }
}
