/** The model that a device starts from in a swarm, on this device once it is needed. */
import { messageOf } from '../../protocol/message-of.ts';
import type { SourceFile, SwarmSpec } from '../../protocol/swarm-spec.ts';
import { MAX_OBJECT } from '../../swarm/content/manifest.ts';
import { BUILTIN_MODELS, builtinModelOf } from '../../training/builtin-models.ts';
import type { StartModel } from '../../workers/compute-api.ts';
import type { ModelClient } from '../../workers/model-client.ts';
import { formatBytes } from '../ui/format.ts';
import type { OwnModel } from './own-model.ts';

export interface ObtainModelOptions {
  readonly spec: SwarmSpec;
  /** The model that this device brings. Null for the swarm's base. */
  readonly ownModel: OwnModel | null;
  /** Where the page lies; the models that come with it are beside it. */
  readonly page: string;
  /** Calls to the worker that has the models of this device. Opened for a model of files. */
  readonly call: () => ModelClient;
  /** Asks members for a file. Rejects while nobody has it. */
  readonly fromMembers: (file: SourceFile) => Promise<Uint8Array>;
  /** Called with a sentence while nobody gives a file. */
  readonly onWaiting: (sentence: string) => void;
  readonly sleep: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
}

export interface ObtainedModel {
  readonly model: StartModel;
  /** Its files that members pass on, for this device to serve. */
  readonly serve: readonly Uint8Array[];
}

/** Time between two rounds of asking members, in ms. */
const ASK_AGAIN_MS = 2_000;
/** Bytes of a model's files that this device serves from memory. */
const MOST_SERVED = 16 * 2 ** 20;

/**
 * The model that this device brings, a built-in model beside the page, or the files of the swarm's base:
 * those that are on this device, then its addresses, then members, who are asked until one has a file. Each
 * is checked by size and SHA-256. Throws ComputeError for a wrong root, no room and a file that nobody passes
 * on, and the signal's reason. What was fetched until then stays, and the next call goes on from there.
 */
export async function obtainModel(options: ObtainModelOptions): Promise<ObtainedModel> {
  const { spec, ownModel, page, signal } = options;
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
  for (;;) {
    const found = await call('obtain', { base }, signal);
    if (found.kind === 'whole') {
      const { id, files } = found;
      return { model: { kind: 'stored', id, files }, serve: await servedFiles(call, id, base.files, signal) };
    }
    const asked = found.files.flatMap(({ path, reason }) => {
      const file = base.files.find((each) => each.path === path);
      return file === undefined ? [] : [{ file, reason }];
    });
    const large = asked.find(({ file }) => file.size > MAX_OBJECT);
    if (large !== undefined) throw notPassedOn(large.file, large.reason);
    for (const { file } of asked) {
      const bytes = await askMembers(options, file);
      const given = { name: file.path, path: file.path, blob: new Blob([new Uint8Array(bytes)]) };
      await call('take', { base, files: [given] }, signal);
    }
  }
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
    `${problem}, and members pass on files of at most 1 MiB. Ask whoever started the swarm for the model’s folder, and choose it on the swarm’s page.`,
  );
}

/** Asks the members of each moment, until one has the file. */
async function askMembers(options: ObtainModelOptions, file: SourceFile): Promise<Uint8Array> {
  const { fromMembers, onWaiting, sleep, signal, spec } = options;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await fromMembers(file);
    } catch (error) {
      signal.throwIfAborted();
      onWaiting(
        `No member who is here now gives ${file.path} of ${spec.base.name} (${messageOf(error)}). This device asks again every few seconds.`,
      );
    }
    await sleep(ASK_AGAIN_MS);
  }
}

async function servedFiles(
  call: ModelClient,
  id: string,
  files: readonly SourceFile[],
  signal: AbortSignal,
): Promise<readonly Uint8Array[]> {
  const names: string[] = [];
  let bytes = 0;
  for (const { path, size } of files) {
    if (size > MAX_OBJECT || bytes + size > MOST_SERVED) continue;
    names.push(path);
    bytes += size;
  }
  const read = await call('read', { from: { kind: 'stored', id }, names }, signal);
  return read.map((file) => file.bytes);
}
