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
import { sentenceOf } from '../ui/sentence-of.ts';
import type { ModelWorker } from '../volunteer/model-worker.ts';
import { type ChosenModel, type Drafts, EMPTY_MODELS, type ModelsView, type Place } from './models-view.ts';
import { folderAddress, nameOfPicked, nameOfStored } from './naming.ts';
import { type ModelsAction, reduceModels } from './reduce-models.ts';

export interface ModelsControllerOptions {
  /** Starts the worker. `onCrash` is called when the worker ended by itself; its calls reject then. */
  openWorker(listener: (event: ModelEvent) => void, onCrash: () => void): ModelWorker;
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

/** More bytes than an adapter of rank 256 has, of any model that fits. */
const MAX_ADAPTER_BYTES = 2 ** 31;

/**
 * Published models on this device: calls to the worker that holds the model, and what comes of them in a
 * store. One per tab, whichever screen is shown.
 */
export class ModelsController {
  readonly store: StoreApi<ModelsView> = createStore<ModelsView>(() => EMPTY_MODELS);
  readonly #options: ModelsControllerOptions;
  readonly #aborts = new Map<Place, AbortController>();
  #worker: ModelWorker | undefined;
  #runs = 0;

  constructor(options: ModelsControllerOptions) {
    this.#options = options;
  }

  /** Reads which models are stored on this device. */
  async refresh(): Promise<void> {
    await this.#attempt('stored', async (call, signal) => {
      this.#dispatch({ kind: 'stored', stored: await call('stored', {}, signal) });
    });
  }

  /** Opens a model from files that a person picked or dropped. */
  async pick(choice: readonly Picked[] | Promise<readonly Picked[]>): Promise<void> {
    let picked: readonly Picked[];
    try {
      picked = await choice;
    } catch {
      const cause = 'What was dropped cannot be read. Choose the folder with the button instead.';
      this.#dispatch({ kind: 'failed', place: 'choose', cause });
      return;
    }
    if (picked.length === 0) return;
    const files = picked.map(({ path, file }) => ({ name: file.name, path, blob: file }));
    await this.#open({ kind: 'files', files }, nameOfPicked(picked.map(({ path }) => path)), null);
  }

  /** Opens a downloaded model. */
  async use(model: StoredModel): Promise<void> {
    const { id, root } = model;
    await this.#open({ kind: 'stored', id }, nameOfStored(model), root);
  }

  /**
   * Downloads the files that are missing, and opens the model unless another one is open. `hashes` as in
   * ModelCalls.
   */
  async download(address: string, hashes?: string | null): Promise<void> {
    const url = folderAddress(address);
    this.#options.persist();
    this.#dispatch({ kind: 'download-began', url });
    let done: StoredModel | undefined;
    await this.#attempt('download', async (call, signal) => {
      done = await call('download', { url, hashes }, signal);
    });
    this.#dispatch({ kind: 'download-ended' });
    await this.refresh();
    if (done !== undefined && this.store.getState().model === null) await this.use(done);
  }

  /** Deletes a downloaded model, whole or in part. */
  async remove({ id }: StoredModel): Promise<void> {
    await this.#attempt('stored', async (call, signal) => {
      await call('remove', { id }, signal);
      const { model } = this.store.getState();
      if (model?.from.kind === 'stored' && model.from.id === id && model.load.kind === 'not') {
        await call('close', {});
        this.#dispatch({ kind: 'closed' });
      }
      this.#dispatch({ kind: 'stored', stored: await call('stored', {}, signal) });
    });
  }

  /** Keeps what a person has typed. */
  draft(drafts: Partial<Drafts>): void {
    this.#dispatch({ kind: 'drafted', drafts });
  }

  /** Memory that a use of the chosen model takes. Rejects with a sentence for a use that is impossible. */
  fit(use: ModelUse, signal: AbortSignal): Promise<MemoryFit> {
    return this.#call()('fit', use, signal);
  }

  /** Brings the chosen model to an engine. */
  async load(options: LoadModel): Promise<void> {
    this.#dispatch({ kind: 'load-began' });
    const done = await this.#attempt('load', async (call, signal) => {
      this.#dispatch({ kind: 'loaded', loaded: await call('load', options, signal) });
    });
    if (!done) this.#dispatch({ kind: 'unloaded' });
  }

  /** Asks the loaded model. The answer streams into the view. */
  async ask(options: Omit<AskModel, 'run'>): Promise<void> {
    const run = ++this.#runs;
    this.#dispatch({ kind: 'asked', ask: { ...options, run } });
    const done = await this.#attempt('ask', async (call, signal) => {
      const answer = await call('generate', { ...options, run }, signal);
      this.#dispatch({ kind: 'answered', run, answer });
    });
    if (!done) this.#dispatch({ kind: 'answered', run, answer: null });
  }

  /** Trains an adapter of the loaded model. */
  async train(options: Omit<TrainModel, 'run'>): Promise<void> {
    const run = ++this.#runs;
    this.#dispatch({ kind: 'train-began', run, steps: options.steps, fresh: options.fresh });
    const done = await this.#attempt('train', async (call, signal) => {
      this.#dispatch({ kind: 'train-ended', trained: await call('train', { ...options, run }, signal) });
    });
    if (!done) this.#dispatch({ kind: 'train-ended', trained: null });
  }

  /** Ends training after the step in progress. */
  pause(): void {
    this.#dispatch({ kind: 'train-pausing' });
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
      this.#dispatch({ kind: 'saved', root: files.root });
    });
  }

  /** Loads adapter files that were downloaded before. */
  async adopt(picked: readonly File[]): Promise<void> {
    if (picked.length === 0) return;
    await this.#handle('Checking that the adapter belongs to these weights…', async (call, signal) => {
      const files: NamedBytes[] = [];
      for (const file of picked.slice(0, 8)) {
        if (file.size > MAX_ADAPTER_BYTES) {
          throw new Error(
            `${file.name} is too large to be an adapter; choose the file that was downloaded here.`,
          );
        }
        files.push({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) });
      }
      this.#dispatch({ kind: 'adopted', adapter: await call('adopt', { files }, signal) });
    });
  }

  /** Unloads and forgets the model. What was downloaded stays on the device. */
  async close(): Promise<void> {
    for (const place of ['choose', 'load', 'ask', 'train', 'adapter'] as const) this.cancel(place);
    await this.#attempt('choose', async (call) => {
      await call('close', {});
      this.#dispatch({ kind: 'closed' });
    });
  }

  /** Ends everything, with the worker. Adapters that were not downloaded are lost. */
  stop(): void {
    for (const place of this.#aborts.keys()) this.cancel(place);
    this.#worker?.stop();
    this.#worker = undefined;
    this.#dispatch({ kind: 'closed' });
  }

  /** Cancels the call of a place. A download keeps what has arrived. */
  cancel(place: Place): void {
    this.#aborts.get(place)?.abort(new DOMException('Stopped by you.', 'AbortError'));
  }

  async #open(from: ModelFrom, name: string, root: StoredModel['root']): Promise<void> {
    const { model } = this.store.getState();
    const kept = model === null ? null : whyKept(model);
    if (kept !== null) {
      this.#dispatch({ kind: 'failed', place: 'choose', cause: kept });
      return;
    }
    for (const place of ['load', 'ask', 'adapter'] as const) this.cancel(place);
    this.#dispatch({ kind: 'looking', name });
    const done = await this.#attempt('choose', async (call, signal) => {
      const summary = await call('open', { from }, signal);
      this.#dispatch({ kind: 'chosen', turn: ++this.#runs, name, from, root, summary });
    });
    if (!done) this.#dispatch({ kind: 'looking', name: null });
  }

  async #handle(
    what: string,
    work: (call: ModelClient, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    this.#dispatch({ kind: 'handling', what });
    await this.#attempt('adapter', work);
    this.#dispatch({ kind: 'handling', what: null });
  }

  /**
   * Runs `work`, the only call of its place: an earlier one is cancelled. Returns whether `work` succeeded.
   * Otherwise the view shows the cause in its place, unless the person cancelled the call.
   */
  async #attempt(
    place: Place,
    work: (call: ModelClient, signal: AbortSignal) => Promise<void>,
  ): Promise<boolean> {
    this.cancel(place);
    const abort = new AbortController();
    this.#aborts.set(place, abort);
    this.#dispatch({ kind: 'tried', place });
    try {
      await work(this.#call(), abort.signal);
      return true;
    } catch (error) {
      if (!abort.signal.aborted) this.#dispatch({ kind: 'failed', place, cause: sentenceOf(error) });
      if (error instanceof ComputeError && error.kind === 'device-lost') this.#dispatch({ kind: 'unloaded' });
      return false;
    } finally {
      if (this.#aborts.get(place) === abort) this.#aborts.delete(place);
    }
  }

  #call(): ModelClient {
    this.#worker ??= this.#options.openWorker(
      (event) => this.#dispatch({ kind: 'worker', at: this.#options.now(), event }),
      () => {
        // The next call starts another worker, which knows of no model.
        this.#worker = undefined;
        this.#dispatch({ kind: 'closed' });
      },
    );
    return this.#worker.call;
  }

  #dispatch(action: ModelsAction): void {
    this.store.setState((view) => reduceModels(view, action), true);
  }
}

/** Why another model must not take this one's place yet. */
function whyKept({ name, training, adapter }: ChosenModel): string | null {
  if (training.running !== null)
    return `${name} is learning. Pause it, and download its adapter, before another takes its place.`;
  if (adapter?.unsaved !== true) return null;
  return `The adapter of ${name} is not saved. Download it, or put the model away, before another takes its place.`;
}
