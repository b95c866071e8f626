/**
 * What a process needs before it takes part in a swarm: the specification, the model's folder, the questions.
 */
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PublicClient } from 'viem';
import { readSwarm, type SwarmRecord, specOf } from '../../chain/swarms.ts';
import { checkBaseFiles, checkBaseRoot, type FilesBase } from '../../models/loading/base-files.ts';
import { filesRoot } from '../../models/loading/file-root.ts';
import { folderSource } from '../../models/loading/folder-source.ts';
import { ModelLoadError } from '../../models/loading/model-source.ts';
import { type ChunkedBase, chunkedBaseOf } from '../../protocol/chunked-base.ts';
import { toHex } from '../../protocol/hex.ts';
import { messageOf } from '../../protocol/message-of.ts';
import type { Network } from '../../protocol/network-file.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { refusalsOf } from '../../protocol/swarm-refusals.ts';
import type { DataSetEntry, SwarmSpec } from '../../protocol/swarm-spec.ts';
import type { FromMembers } from '../../swarm/content/member-files.ts';
import { BUILTIN_MODELS, builtinModelOf } from '../../training/builtin-models.ts';
import { openTasks } from '../../training/tasks/task-source.ts';
import { whyUnusable } from '../../training/why-unusable.ts';
import { obtainFile } from './obtain-file.ts';
import { knownHere } from './own-refusals.ts';

/** This program or this device cannot take part in the swarm. Nothing was downloaded. */
export class SwarmRefusedError extends Error {
  override readonly name = 'SwarmRefusedError';
}

/** The files of a built-in model. */
const MODEL_FILES = ['config.json', 'tokenizer.json', 'model.safetensors'];
/** Most bytes of all data sets together. They are held in memory. */
const DATA_BYTES = 2 ** 28;

export interface PrepareSwarmOptions {
  readonly network: Network;
  readonly client: PublicClient;
  /** Number of the swarm. */
  readonly swarm: number;
  /** Folder of this device; what is downloaded is kept below it. */
  readonly home: string;
  /** A folder with the model, or the URL of one. Defaults to what the specification names. */
  readonly model?: string | undefined;
  /** A folder with the data sets' files. Defaults to their addresses, then to members. */
  readonly data?: string | undefined;
  /** Whether a member of blocks may read the base in parts, later ([S-15]). Defaults to false. */
  readonly readsParts?: boolean;
  /** Most bytes of a model's files of which this device can train that part. */
  readonly modelBytes: (trained: SwarmSpec['trained']['kind']) => number;
  /** Defaults to the platform's `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** Asks members for a file. Called only for what no folder and no address gives. Defaults to nobody. */
  readonly fromMembers?: FromMembers;
  /** Waits between two rounds of asking members. Tests inject their own. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** One sentence at a time about what is done. */
  readonly onNotice?: (sentence: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * The folder of the model to start from, or a base of which a member of blocks reads only what it needs, when
 * it needs it ([S-15]).
 */
export type PreparedModel =
  | { readonly kind: 'folder'; readonly folder: string }
  | { readonly kind: 'chunked'; readonly base: ChunkedBase };

/** The folder of a model that is whole. Throws RangeError for one that is read in parts. */
export function folderOf(model: PreparedModel): string {
  if (model.kind === 'folder') return model.folder;
  throw new RangeError('Only a member of blocks reads a model in parts.');
}

/** A swarm that this device can take part in. */
export interface PreparedSwarm {
  readonly record: SwarmRecord;
  readonly spec: SwarmSpec;
  readonly model: PreparedModel;
  /** The data sets' files by id. */
  readonly dataSets: ReadonlyMap<string, Uint8Array>;
}

/**
 * Reads a swarm from the chain and fetches what a member needs. Everything that can be refused is refused
 * before anything is downloaded: throws ChainError (no such swarm, or an unusable specification),
 * SwarmRefusedError, ModelLoadError and, for questions that cannot be used, DataSetError. A download that was
 * cut short goes on with the next call.
 */
export async function prepareSwarm(options: PrepareSwarmOptions): Promise<PreparedSwarm> {
  const { network, client, swarm } = options;
  const record = await readSwarm(client, network.contracts.swarms, swarm);
  const spec = specOf(record);
  refuse(spec, options);
  const model = await preparedModel(spec, options);
  const dataSets = new Map<string, Uint8Array>();
  for (const entry of spec.tasks.dataSets) dataSets.set(entry.id, await dataSetFile(entry, options));
  // Before the engine starts: a line of a file may be unusable.
  await openTasks(spec.tasks, dataSets);
  return { record, spec, model, dataSets };
}

function refuse(spec: SwarmSpec, { modelBytes, model, data }: PrepareSwarmOptions): void {
  const device = {
    ...knownHere(),
    modelBytes: modelBytes(spec.trained.kind),
    dataBytes: DATA_BYTES,
    hasModel: model !== undefined,
    hasData: data !== undefined,
  };
  const [refusal] = refusalsOf(spec, device);
  if (refusal !== undefined) throw new SwarmRefusedError(refusal.sentence);
  const unusable = whyUnusable(spec, { ownModel: spec.models === 'any' && model !== undefined });
  if (unusable !== null) throw new SwarmRefusedError(unusable);
}

async function preparedModel(spec: SwarmSpec, options: PrepareSwarmOptions): Promise<PreparedModel> {
  const { model, readsParts = false, home, signal } = options;
  const { base, models } = spec;
  const folder = model !== undefined && !isAddress(model) ? model : undefined;
  if (folder !== undefined && models === 'any') return { kind: 'folder', folder };
  if (base.kind === 'builtin') {
    const found = folder ?? builtinFolder(base.root);
    const root = await rootOfFolder(found);
    if (root === base.root) return { kind: 'folder', folder: found };
    throw new ModelLoadError(
      `${found} has the root ${root}, and the swarm starts from ${base.root}; give the folder of ${base.name}`,
    );
  }
  if (folder !== undefined) {
    await checkBaseFiles(base, folderSource(folder), signal);
    return { kind: 'folder', folder };
  }
  const chunked = readsParts ? chunkedBaseOf(spec) : undefined;
  if (chunked !== undefined && !(await hasFilesOf(base, downloadFolder(base, home)))) {
    checkBaseRoot(base);
    return { kind: 'chunked', base: model === undefined ? chunked : alsoAt(chunked, withSlash(model)) };
  }
  return { kind: 'folder', folder: await download(base, options) };
}

function downloadFolder({ root }: FilesBase, home: string): string {
  return join(home, 'models', root.slice(2, 34));
}

/** Whether files of these sizes are in a folder. Nothing is read. */
async function hasFilesOf({ files }: FilesBase, folder: string): Promise<boolean> {
  const sizes = await Promise.all(
    files.map(({ path }) =>
      stat(join(folder, path)).then(
        (found) => found.size,
        () => undefined,
      ),
    ),
  );
  return files.every(({ size }, i) => size === sizes[i]);
}

/** The base with an address more for each file, which is tried first. */
function alsoAt(base: ChunkedBase, address: string): ChunkedBase {
  const files = base.files.map((file) => ({
    ...file,
    urls: [new URL(file.path, address).href, ...file.urls],
  }));
  return { ...base, files };
}

/** Downloads the files of a base into a folder that its root names. */
async function download(base: FilesBase, options: PrepareSwarmOptions): Promise<string> {
  const { home, model, fetch, fromMembers, sleep, onNotice, signal } = options;
  const folder = downloadFolder(base, home);
  for (const [i, file] of base.files.entries()) {
    onNotice?.(`Model ${base.name}: ${file.path} (${i + 1} of ${base.files.length}, ${file.size} bytes)`);
    await obtainFile({
      ...{ file, folder, name: file.path, fetch, fromMembers, sleep, onNotice, signal },
      label: `${file.path} of ${base.name}`,
      option: '--model',
      address: model === undefined ? undefined : withSlash(model),
    });
  }
  return folder;
}

async function dataSetFile({ id, file }: DataSetEntry, options: PrepareSwarmOptions): Promise<Uint8Array> {
  const { home, data, fetch, fromMembers, sleep, onNotice, signal } = options;
  if (data !== undefined) {
    const local = join(data, basename(file.path));
    try {
      const { size } = await stat(local);
      if (size === file.size) return new Uint8Array(await readFile(local, { signal }));
      throw new ModelLoadError(`${local} has ${size} bytes and not ${file.size}`);
    } catch (cause) {
      signal?.throwIfAborted();
      throw new ModelLoadError(
        `The questions ${id} are not in ${data} (${messageOf(cause)}); check --data, or leave it out`,
        { cause },
      );
    }
  }
  const folder = join(home, 'data');
  const name = `${file.sha256.slice(2, 34)}.jsonl`;
  onNotice?.(`Questions ${id}: ${file.size} bytes`);
  await obtainFile({
    ...{ file, folder, name, fetch, fromMembers, sleep, onNotice, signal },
    label: `the questions “${id}”`,
    option: '--data',
  });
  return new Uint8Array(await readFile(join(folder, name), { signal }));
}

function builtinFolder(root: string): string {
  const builtin = builtinModelOf(root as `0x${string}`) ?? BUILTIN_MODELS[0];
  return fileURLToPath(new URL(`../../public/${builtin?.folder ?? ''}`, import.meta.url));
}

async function rootOfFolder(folder: string) {
  const files = await Promise.all(
    MODEL_FILES.map(async (name) => {
      const bytes = await readFile(join(folder, name)).catch((cause: unknown) => {
        throw new ModelLoadError(`There is no ${name} in ${folder}; check --model`, { cause });
      });
      return { name, size: bytes.length, sha256: toHex(sha256Of(bytes)).slice(2) };
    }),
  );
  return filesRoot(files);
}

function isAddress(model: string): boolean {
  return /^https?:/.test(model);
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}
