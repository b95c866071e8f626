import type { BaseLibrary } from '../models/loading/base-library.ts';
import type { DownloadProgress } from '../models/loading/download.ts';
import { parseHashes } from '../models/loading/file-root.ts';
import { serveCalls } from './cancellable-calls.ts';
import type { ModelCalls, ModelEvent, ModelWorkerApi } from './model-api.ts';
import { ModelHost, type ModelHostOptions, pickedSource } from './model-host.ts';

export interface ModelServiceOptions extends ModelHostOptions {
  /** The base models of swarms on this device. */
  readonly bases: BaseLibrary;
}

/** Bytes between two progress events. A fast download arrives in thousands of chunks. */
const PROGRESS_BYTES = 1 << 20;

/** The worker's side of ModelWorkerApi. It holds one model, and the library of the models on this device. */
export function createModelService(options: ModelServiceOptions): ModelWorkerApi {
  const { library, bases } = options;
  const host = new ModelHost(options);
  return serveCalls<ModelCalls, ModelEvent>(({ emit }) => ({
    stored: () => library.list(),
    async download({ url, hashes }, signal) {
      let reported = Number.NEGATIVE_INFINITY;
      let file = '';
      const onProgress = (progress: DownloadProgress) => {
        const { bytes, total = null } = progress;
        if (progress.file === file && bytes - reported < PROGRESS_BYTES && bytes !== total) return;
        reported = bytes;
        file = progress.file;
        emit({ kind: 'download', url, file, bytes, total });
      };
      const list = typeof hashes === 'string' ? parseHashes(hashes) : hashes;
      return library.download({ url, onProgress, signal, hashes: list });
    },
    async remove({ id }) {
      await library.remove(id);
      return null;
    },
    describe: ({ from }, signal) =>
      host.describe(from, {
        signal,
        onProgress: (bytes, total) => emit({ kind: 'describe', bytes, total }),
      }),
    obtain: ({ base }, signal) => bases.obtain(base, { signal, onProgress: obtained(emit) }),
    take: ({ base, files }, signal) =>
      bases.take(base, pickedSource(files), { signal, onProgress: obtained(emit) }),
    heldChunks: (asked, signal) => bases.heldChunks(asked, signal),
    async putChunk(asked) {
      await bases.putChunk(asked);
      return null;
    },
    finishChunks: (asked, signal) => bases.finishChunks(asked, signal),
    read: ({ from, names }, signal) => host.readFiles(from, names, signal),
    merge: ({ from, checkpoint }, signal) => host.merge(from, checkpoint, signal),
    open: ({ from }, signal) => host.open(from, signal),
    fit: (use) => host.fit(use),
    load: (args, signal) =>
      host.load(args, { signal, onProgress: (progress) => emit({ kind: 'load', ...progress }) }),
    generate: (args, signal) =>
      host.generate(args, { signal, onText: (piece) => emit({ kind: 'text', run: args.run, ...piece }) }),
    train: (args, signal) =>
      host.train(args, { signal, onStep: (step) => emit({ kind: 'step', run: args.run, ...step }) }),
    adapterFiles: ({ base }, signal) => host.adapterFiles(base, signal),
    adopt: ({ files }, signal) => host.adopt(files, signal),
    async close() {
      await host.close();
      return null;
    },
  }));
}

/** Reports the progress of a base's files, not each of thousands of chunks. */
function obtained(emit: (event: ModelEvent) => void): (bytes: number, total: number) => void {
  let reported = Number.NEGATIVE_INFINITY;
  return (bytes, total) => {
    if (Math.abs(bytes - reported) < PROGRESS_BYTES && bytes !== total) return;
    reported = bytes;
    emit({ kind: 'obtain', bytes, total });
  };
}
