/** What a device starts from in a swarm: its questions and its model, which it passes on from then on. */
import type { SourceFile, SwarmSpec } from '../../protocol/swarm-spec.ts';
import { ChunkedFiles } from '../../swarm/content/chunked-files.ts';
import { ContentError } from '../../swarm/content/content-error.ts';
import { type FromMembers, fileInMemory, isLarge } from '../../swarm/content/member-files.ts';
import { type ContentStore, MemoryStore, readFile } from '../../swarm/content/store.ts';
import type { StartModel } from '../../workers/compute-api.ts';
import type { ChunkedStart } from './chunked-start.ts';
import { gatherDataSets } from './data-sets.ts';
import type { VolunteerConnection, VolunteerDependencies } from './dependencies.ts';
import type { KeptFiles } from './kept-files.ts';
import type { OwnModel } from './own-model.ts';
import type { StartStep } from './phase.ts';

export interface GatherStartOptions {
  readonly spec: SwarmSpec;
  /** The model that this device brings. Null for the swarm's base. */
  readonly ownModel: OwnModel | null;
  /** Where the page lies; the models that come with it are beside it. */
  readonly page: string;
  readonly files: Pick<KeptFiles, 'get' | 'put'>;
  /** The swarm, whose members pass files on. */
  readonly joining: Promise<Pick<VolunteerConnection, 'fromMembers' | 'serve'>>;
  readonly obtainModel: VolunteerDependencies['obtainModel'];
  readonly fetcher: typeof fetch;
  readonly sleep: (ms: number) => Promise<void>;
  readonly onStep: (step: StartStep, progress?: number) => void;
  /** Called with a sentence while nobody gives a file, and with null afterwards. */
  readonly onNotice: (sentence: string | null) => void;
  readonly signal: AbortSignal;
}

export interface GatheredStart {
  readonly model: StartModel | ChunkedStart;
  /** The file of each data set of the specification, by the data set's id. */
  readonly dataSets: ReadonlyMap<string, Uint8Array>;
}

/** Gathers both, the questions first. Rejects as `gatherDataSets` and `obtainModel`. */
export async function gatherStart(options: GatherStartOptions): Promise<GatheredStart> {
  const dataSets = await questions(options);
  return { dataSets, model: await modelFor(options) };
}

async function questions(options: GatherStartOptions): Promise<ReadonlyMap<string, Uint8Array>> {
  const { spec, files, joining, fetcher, sleep, onStep, onNotice, signal } = options;
  const { dataSets } = spec.tasks;
  if (dataSets.length === 0) return new Map();
  onStep('questions');
  const swarm = await joining;
  // What came of a large file stays from one round of asking to the next.
  const chunks = new MemoryStore();
  const gathered = await gatherDataSets({
    dataSets,
    files,
    fromMembers: (file) => wholeFile(swarm.fromMembers, { file, into: chunks, signal }),
    fetcher,
    onWaiting: onNotice,
    sleep,
    signal,
  });
  onNotice(null);
  for (const { id, file } of dataSets) {
    const bytes = gathered.get(id);
    if (bytes !== undefined) swarm.serve(file, fileInMemory(bytes));
  }
  onStep('engine');
  return gathered;
}

/** A file of questions from members. Rejects while nobody has all of it. */
async function wholeFile(
  members: FromMembers,
  o: { readonly file: SourceFile; readonly into: ContentStore; readonly signal: AbortSignal },
): Promise<Uint8Array> {
  const { file, into, signal } = o;
  if (!isLarge(file)) return members.small(file, signal);
  await members.large(file, into, { signal, onProgress: () => undefined });
  const bytes = await readFile(into, file.manifest);
  if (bytes === null)
    throw new ContentError(`There is no room for ${file.path} in memory. Close other tabs.`);
  return bytes;
}

async function modelFor(options: GatherStartOptions): Promise<StartModel | ChunkedStart> {
  const { fetcher, spec, ownModel, page, joining, obtainModel, sleep, onStep, onNotice, signal } = options;
  const gathers = spec.base.kind === 'files' && ownModel === null;
  if (gathers) onStep('files');
  let here = 0;
  let waits = false;
  const { model, serve } = await obtainModel({
    spec,
    ownModel,
    page,
    fromMembers: {
      small: async (...asked) => (await joining).fromMembers.small(...asked),
      large: async (...asked) => (await joining).fromMembers.large(...asked),
    },
    onProgress(bytes, total) {
      onStep('files', bytes / total);
      // Somebody gives it after all.
      if (waits && bytes > here) onNotice(null);
      waits &&= bytes <= here;
      here = bytes;
    },
    onWaiting(sentence) {
      waits = true;
      onNotice(sentence);
    },
    sleep,
    signal,
  });
  if (gathers) {
    onNotice(null);
    onStep('engine');
  }
  if (model.kind !== 'chunked') {
    if (serve.length > 0) {
      const swarm = await joining;
      for (const { file, local } of serve) swarm.serve(file, local);
    }
    return model;
  }
  const swarm = await joining;
  const { files } = model.base;
  return {
    kind: 'chunked',
    files,
    open: (openStore) =>
      new ChunkedFiles({
        ...{ files, openStore, fetcher, sleep },
        fromMembers: swarm.fromMembers,
        serve: (file, local, manifest) => swarm.serve(file, local, manifest),
        onWaiting: onNotice,
      }),
  };
}
