/** What a device starts from in a swarm: its questions and its model, which it passes on from then on. */
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import type { StartModel } from '../../workers/compute-api.ts';
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
  readonly joining: Promise<Pick<VolunteerConnection, 'fetchFile' | 'serve'>>;
  readonly obtainModel: VolunteerDependencies['obtainModel'];
  readonly fetcher: typeof fetch;
  readonly sleep: (ms: number) => Promise<void>;
  readonly onStep: (step: StartStep, progress?: number) => void;
  /** Called with a sentence while nobody gives a file, and with null afterwards. */
  readonly onNotice: (sentence: string | null) => void;
  readonly signal: AbortSignal;
}

export interface GatheredStart {
  readonly model: StartModel;
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
  const gathered = await gatherDataSets({
    dataSets,
    files,
    fromMembers: (file) => swarm.fetchFile(file, signal),
    fetcher,
    onWaiting: onNotice,
    sleep,
    signal,
  });
  onNotice(null);
  for (const bytes of gathered.values()) await swarm.serve(bytes);
  onStep('engine');
  return gathered;
}

async function modelFor(options: GatherStartOptions): Promise<StartModel> {
  const { spec, ownModel, page, joining, obtainModel, sleep, onStep, onNotice, signal } = options;
  const gathers = spec.base.kind === 'files' && ownModel === null;
  if (gathers) onStep('files');
  const { model, serve } = await obtainModel({
    spec,
    ownModel,
    page,
    fromMembers: async (file) => (await joining).fetchFile(file, signal),
    onProgress: (bytes, total) => onStep('files', bytes / total),
    onWaiting: onNotice,
    sleep,
    signal,
  });
  if (gathers) {
    onNotice(null);
    onStep('engine');
  }
  for (const bytes of serve) await (await joining).serve(bytes);
  return model;
}
