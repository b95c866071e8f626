/** What the models screen can do: calls to the worker, and what comes of them in a store. One a tab, whichever screen is shown. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { StoredModel } from '../../models/loading/library.ts';
import type { MemoryFit } from '../../workers/memory-fit.ts';
import type {
  AskModel,
  LoadModel,
  ModelEvent,
  ModelFrom,
  ModelUse,
  NamedBytes,
  TrainModel,
} from '../../workers/model-api.ts';
import type { ModelClient } from '../../workers/model-client.ts';
import { ComputeError } from '../../workers/plain-error.ts';
import { type ChosenModel, type Drafts, EMPTY_MODELS, type ModelsView, type Place } from './models-view.ts';
import { folderAddress, nameOfAddress, nameOfPicked, sentenceOf } from './naming.ts';
import { type ModelsHappening, reduceModels } from './reduce-models.ts';

export interface ModelsDeskOptions {
  /** Starts the worker. `onCrash` is told when it ended by itself; calls reject then. */
  openClient(listener: (event: ModelEvent) => void, onCrash: () => void): ModelClient;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Asks the browser not to clear what is stored; may never answer. */
  readonly persist: () => void;
  readonly save: (name: string, content: Blob) => void;
}

/** A file that a person picked or dropped, with its path where a folder was. */
export interface Picked {
  readonly path: string;
  readonly file: File;
}

/** Larger adapters than any that rank 256 makes of a model that fits. */
const MOST_ADAPTER_BYTES = 2 ** 31;

export class ModelsDesk {
  readonly store: StoreApi<ModelsView> = createStore<ModelsView>(() => EMPTY_MODELS);
  readonly #options: ModelsDeskOptions;
  readonly #aborts = new Map<Place, AbortController>();
  #client: ModelClient | undefined;
  #runs = 0;

  constructor(options: ModelsDeskOptions) {
    this.#options = options;
  }

  /** Asks what is on this device. */
  async refresh(): Promise<void> {
    await this.#attempt('stored', async (call, signal) => {
      this.#happen({ type: 'stored', stored: await call('stored', {}, signal) });
    });
  }

  async pick(choice: readonly Picked[] | Promise<readonly Picked[]>): Promise<void> {
    let picked: readonly Picked[];
    try {
      picked = await choice;
    } catch {
      const cause = 'What was dropped cannot be read. Choose the folder with the button instead.';
      this.#happen({ type: 'failed', place: 'choose', cause });
      return;
    }
    if (picked.length === 0) return;
    const files = picked.map(({ path, file }) => ({ name: file.name, path, blob: file }));
    await this.#open({ kind: 'files', files }, nameOfPicked(picked.map(({ path }) => path)), null);
  }

  async use({ id, url, root }: StoredModel): Promise<void> {
    await this.#open({ kind: 'stored', id }, nameOfAddress(url), root);
  }

  /** Downloads what is missing. `hashes` as in ModelCalls. */
  async download(address: string, hashes?: string | null): Promise<void> {
    const url = folderAddress(address);
    this.#options.persist();
    this.#happen({ type: 'download-began', url });
    let done: StoredModel | undefined;
    await this.#attempt('download', async (call, signal) => {
      done = await call('download', { url, ...(hashes === undefined ? {} : { hashes }) }, signal);
    });
    this.#happen({ type: 'download-ended' });
    await this.refresh();
    if (done !== undefined && this.store.getState().model === null) await this.use(done);
  }

  async remove({ id }: StoredModel): Promise<void> {
    await this.#attempt('stored', async (call, signal) => {
      await call('remove', { id }, signal);
      const { model } = this.store.getState();
      if (model?.from.kind === 'stored' && model.from.id === id && model.load.kind === 'not') {
        await call('close', {});
        this.#happen({ type: 'closed' });
      }
      this.#happen({ type: 'stored', stored: await call('stored', {}, signal) });
    });
  }

  /** Keeps what was typed. */
  draft(drafts: Partial<Drafts>): void {
    this.#happen({ type: 'drafted', drafts });
  }

  /** What the chosen model would take. Rejects with a sentence for a use that cannot be. */
  fit(use: ModelUse, signal: AbortSignal): Promise<MemoryFit> {
    return this.#call()('fit', use, signal);
  }

  async load(options: LoadModel): Promise<void> {
    this.#happen({ type: 'load-began' });
    const done = await this.#attempt('load', async (call, signal) => {
      this.#happen({ type: 'loaded', loaded: await call('load', options, signal) });
    });
    if (!done) this.#happen({ type: 'unloaded' });
  }

  async ask(options: Omit<AskModel, 'run'>): Promise<void> {
    const run = ++this.#runs;
    this.#happen({ type: 'asked', ask: { ...options, run } });
    const done = await this.#attempt('ask', async (call, signal) => {
      const answer = await call('generate', { ...options, run }, signal);
      this.#happen({ type: 'answered', run, answer });
    });
    if (!done) this.#happen({ type: 'answered', run, answer: null });
  }

  async train(options: Omit<TrainModel, 'run'>): Promise<void> {
    const run = ++this.#runs;
    this.#happen({ type: 'train-began', run, steps: options.steps, fresh: options.fresh });
    const done = await this.#attempt('train', async (call, signal) => {
      this.#happen({ type: 'train-ended', trained: await call('train', { ...options, run }, signal) });
    });
    if (!done) this.#happen({ type: 'train-ended', trained: null });
  }

  /** Ends training after the step in progress. */
  pause(): void {
    this.#happen({ type: 'train-pausing' });
    this.cancel('train');
  }

  /** Downloads the adapter: PEFT's two files, or Starling's checkpoint. */
  async saveAdapter(kind: 'peft' | 'checkpoint'): Promise<void> {
    const { model } = this.store.getState();
    if (model === null) return;
    await this.#handle('Hashing the weights that the adapter belongs to…', async (call, signal) => {
      const files = await call('adapterFiles', { base: model.name }, signal);
      const save = (name: string, bytes: Uint8Array) =>
        this.#options.save(name, new Blob([new Uint8Array(bytes)], { type: 'application/octet-stream' }));
      if (kind === 'peft') for (const { name, bytes } of files.peft) save(name, bytes);
      else save(`starling-adapter-${model.adapter?.steps ?? 0}.safetensors`, files.checkpoint);
      this.#happen({ type: 'saved', root: files.root });
    });
  }

  async adopt(picked: readonly File[]): Promise<void> {
    if (picked.length === 0) return;
    await this.#handle('Checking that the adapter belongs to these weights…', async (call, signal) => {
      const files: NamedBytes[] = [];
      for (const file of picked.slice(0, 8)) {
        if (file.size > MOST_ADAPTER_BYTES) {
          throw new Error(
            `${file.name} is too large to be an adapter; choose the file that was downloaded here.`,
          );
        }
        files.push({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) });
      }
      this.#happen({ type: 'adopted', adapter: await call('adopt', { files }, signal) });
    });
  }

  /** Unloads and forgets the model; what was downloaded stays on the device. */
  async close(): Promise<void> {
    for (const place of ['choose', 'load', 'ask', 'train', 'adapter'] as const) this.cancel(place);
    await this.#attempt('choose', async (call) => {
      await call('close', {});
      this.#happen({ type: 'closed' });
    });
  }

  /** Cancels what goes on there. A download keeps what arrived. */
  cancel(place: Place): void {
    this.#aborts.get(place)?.abort(new DOMException('Stopped by you.', 'AbortError'));
  }

  async #open(from: ModelFrom, name: string, root: StoredModel['root']): Promise<void> {
    const { model } = this.store.getState();
    const kept = model === null ? null : whyKept(model);
    if (kept !== null) {
      this.#happen({ type: 'failed', place: 'choose', cause: kept });
      return;
    }
    for (const place of ['load', 'ask', 'adapter'] as const) this.cancel(place);
    this.#happen({ type: 'looking', name });
    const done = await this.#attempt('choose', async (call, signal) => {
      const summary = await call('open', { from }, signal);
      this.#happen({ type: 'chosen', turn: ++this.#runs, name, from, root, summary });
    });
    if (!done) this.#happen({ type: 'looking', name: null });
  }

  async #handle(
    what: string,
    work: (call: ModelClient, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    this.#happen({ type: 'handling', what });
    await this.#attempt('adapter', work);
    this.#happen({ type: 'handling', what: null });
  }

  /** Whether it was done; otherwise the cause stands at its place, unless the person stopped it. One at a time in each place. */
  async #attempt(
    place: Place,
    work: (call: ModelClient, signal: AbortSignal) => Promise<void>,
  ): Promise<boolean> {
    this.cancel(place);
    const abort = new AbortController();
    this.#aborts.set(place, abort);
    this.#happen({ type: 'tried', place });
    try {
      await work(this.#call(), abort.signal);
      return true;
    } catch (error) {
      if (!abort.signal.aborted) this.#happen({ type: 'failed', place, cause: sentenceOf(error) });
      if (error instanceof ComputeError && error.kind === 'device-lost') this.#happen({ type: 'unloaded' });
      return false;
    } finally {
      if (this.#aborts.get(place) === abort) this.#aborts.delete(place);
    }
  }

  #call(): ModelClient {
    this.#client ??= this.#options.openClient(
      (event) => this.#happen({ type: 'told', at: this.#options.now(), event }),
      () => {
        // The next call starts another worker, which knows of no model.
        this.#client = undefined;
        this.#happen({ type: 'closed' });
      },
    );
    return this.#client;
  }

  #happen(happening: ModelsHappening): void {
    this.store.setState((view) => reduceModels(view, happening), true);
  }
}

/** Why another model must not take this one's place yet. */
function whyKept({ name, training, adapter }: ChosenModel): string | null {
  if (training.running !== null)
    return `${name} is learning. Pause it, and download its adapter, before another takes its place.`;
  if (adapter?.unsaved !== true) return null;
  return `The adapter of ${name} is not saved. Download it, or put the model away, before another takes its place.`;
}
