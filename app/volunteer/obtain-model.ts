/** The model that a device starts from in a swarm, on this device once it is needed. */
import { checkBaseRoot, type FilesBase } from '../../models/loading/base-files.ts';
import type { ModelDirectory } from '../../models/loading/model-directory.ts';
import { type ChunkedBase, chunkedBaseOf } from '../../protocol/chunked-base.ts';
import { messageOf } from '../../protocol/message-of.ts';
import type { SourceFile, SwarmSpec } from '../../protocol/swarm-spec.ts';
import { askAgain } from '../../swarm/content/ask-again.ts';
import type { LocalFile } from '../../swarm/content/local-files.ts';
import { type FromMembers, isLarge, isSmall, type LargeFile } from '../../swarm/content/member-files.ts';
import { reopenedFile } from '../../swarm/content/reopened-file.ts';
import { BUILTIN_MODELS, builtinModelOf } from '../../training/builtin-models.ts';
import type { StartModel } from '../../workers/compute-api.ts';
import type { ModelClient } from '../../workers/model-client.ts';
import { formatBytes } from '../ui/format.ts';
import { BaseFileStore } from './base-file-store.ts';
import type { OwnModel } from './own-model.ts';

export interface ObtainModelOptions {
  readonly spec: SwarmSpec;
  /** The model that this device brings. Null for the swarm's base. */
  readonly ownModel: OwnModel | null;
  /** Where the page lies; the models that come with it are beside it. */
  readonly page: string;
  /** Calls to the worker that has the models of this device. Opened for a model of files. */
  readonly call: () => ModelClient;
  /** The models of this device, to read from. */
  readonly models: Pick<ModelDirectory, 'reader'>;
  /** Asks members for files. */
  readonly fromMembers: FromMembers;
  /** Called with the bytes of the model that are here while members give a large file. */
  readonly onProgress: (bytes: number, total: number) => void;
  /** Called with a sentence while nobody gives a file. */
  readonly onWaiting: (sentence: string) => void;
  readonly sleep: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
}

/** A file of the swarm's base on this device. */
export interface ServedFile {
  readonly file: SourceFile;
  /** Read from where it lies when a member asks. */
  readonly local: LocalFile;
}

/** A base that is not on this device, of which it reads only what its blocks need ([S-15]). */
export interface ChunkedModel {
  readonly kind: 'chunked';
  readonly base: ChunkedBase;
}

export interface ObtainedModel {
  readonly model: StartModel | ChunkedModel;
  /** Its files that members pass on, for this device to serve. */
  readonly serve: readonly ServedFile[];
}

/**
 * The model that this device brings, a built-in model beside the page, or the files of the swarm's base:
 * those that are on this device, then its addresses, then members, who are asked until one has a file: for
 * one of at most 1 MiB as a whole, for a larger one in chunks by its manifest. Each is checked by size and
 * SHA-256. Throws ComputeError for a wrong root, no room and a manifest of another file; an error for a file
 * that nobody passes on; and the signal's reason. What was fetched until then stays, chunks included, and the
 * next call goes on from there.
 */
export async function obtainModel(options: ObtainModelOptions): Promise<ObtainedModel> {
  const { spec, ownModel, page, fromMembers, signal } = options;
  const { base } = spec;
  if (ownModel?.kind === 'stored') return { model: await storedModel(options, ownModel), serve: [] };
  const builtin =
    ownModel === null ? builtinModelOf(base.root) : BUILTIN_MODELS.find(({ name }) => name === ownModel.name);
  if (builtin !== undefined) {
    return { model: { kind: 'published', url: new URL(builtin.folder, page).href }, serve: [] };
  }
  if (ownModel !== null) throw notBrought(ownModel);
  if (base.kind === 'builtin') throw new Error(`This page lacks the swarm’s model ${base.name}.`);
  const call = options.call();
  const chunked = chunkedBaseOf(spec);
  if (chunked !== undefined) {
    checkBaseRoot(base);
    const whole = (await call('stored', {}, signal)).find(({ root }) => root === base.root);
    if (whole === undefined) return { model: { kind: 'chunked', base: chunked }, serve: [] };
  }
  for (;;) {
    const found = await call('obtain', { base }, signal);
    if (found.kind === 'whole') {
      const { id, files } = found;
      return { model: { kind: 'stored', id, files }, serve: servedFiles(options, id, base.files) };
    }
    const asked = found.files.flatMap(({ path, reason }) => {
      const file = base.files.find((each) => each.path === path);
      return file === undefined ? [] : [{ file, reason }];
    });
    const unnamed = asked.find(({ file }) => !isSmall(file) && !isLarge(file));
    if (unnamed !== undefined) throw notPassedOn(unnamed.file, unnamed.reason);
    let missing = asked.reduce((sum, { file }) => sum + file.size, 0);
    for (const { file } of asked) {
      const here = totalOf(base) - missing;
      if (isLarge(file)) await takeInChunks(options, { base, file, here });
      else {
        const bytes = await askMembers(options, file, () => fromMembers.small(file, signal));
        const given = { name: file.path, path: file.path, blob: new Blob([new Uint8Array(bytes)]) };
        await call('take', { base, files: [given] }, signal);
      }
      missing -= file.size;
    }
  }
}

/** Has a file of more than 1 MiB from members, and goes on with the chunks that are here. */
async function takeInChunks(
  options: ObtainModelOptions,
  {
    base,
    file,
    here,
  }: {
    readonly base: FilesBase;
    readonly file: LargeFile;
    /** Bytes of the model's other files that are here. */
    readonly here: number;
  },
): Promise<void> {
  const { fromMembers, onProgress, signal } = options;
  const call = options.call();
  const into = new BaseFileStore({ base, file, call, signal });
  await askMembers(options, file, async () => {
    try {
      await fromMembers.large(file, into, {
        signal,
        onProgress: (bytes) => onProgress(here + bytes, totalOf(base)),
      });
    } catch (error) {
      throw into.failure === undefined ? error : new UselessToAskError(into.failure);
    }
  });
  await call('finishChunks', { base, path: file.path }, signal);
}

/** This device cannot take what members give, so that asking again leads nowhere. */
class UselessToAskError extends Error {
  override readonly name = 'UselessToAskError';
  override readonly cause: Error;
  constructor(cause: Error) {
    super(cause.message);
    this.cause = cause;
  }
}

function totalOf({ files }: FilesBase): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

async function storedModel(
  { call, signal }: ObtainModelOptions,
  ownModel: Extract<OwnModel, { kind: 'stored' }>,
): Promise<StartModel> {
  const stored = await call()('stored', {}, signal);
  const found = stored.find(({ id, root }) => id === ownModel.id && root !== null);
  if (found === undefined) throw notBrought(ownModel);
  return { kind: 'stored', id: found.id, files: found.files };
}

function notBrought({ name }: OwnModel): Error {
  return new Error(
    `${name}, which this device brings to the swarm, is no longer here. Choose another model on the swarm’s page.`,
  );
}

function notPassedOn({ path, size, urls }: SourceFile, reason: string): Error {
  const problem =
    urls.length === 0
      ? `${path} has ${formatBytes(size)} and no address`
      : `${reason}. It has ${formatBytes(size)}`;
  return new Error(
    `${problem}, and the swarm names no manifest, by which members pass on files of more than 1 MiB. Ask whoever started the swarm for the model’s folder, and choose it on the swarm’s page.`,
  );
}

/** Asks the members of each moment, until one has the file. */
async function askMembers<T>(
  { onWaiting, sleep, signal, spec }: ObtainModelOptions,
  file: SourceFile,
  ask: () => Promise<T>,
): Promise<T> {
  try {
    return await askAgain({
      ...{ ask, sleep, signal },
      isFinal: (error) => error instanceof UselessToAskError,
      onFailure: (_, error) =>
        onWaiting(
          `No member who is here now gives ${file.path} of ${spec.base.name} (${messageOf(error)}). This device asks again every few seconds.`,
        ),
    });
  } catch (error) {
    throw error instanceof UselessToAskError ? error.cause : error;
  }
}

/**
 * Files are opened when a member asks, and again when they cannot be read any more, so that a deleted one is
 * absent, and one that is fetched again there.
 */
function servedFiles(
  { models }: ObtainModelOptions,
  id: string,
  files: readonly SourceFile[],
): readonly ServedFile[] {
  return files
    .filter((file) => isSmall(file) || isLarge(file))
    .map((file) => ({
      file,
      local: reopenedFile(file.size, () => models.reader(id, file.path)),
    }));
}
