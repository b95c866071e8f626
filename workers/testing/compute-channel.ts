import * as Comlink from 'comlink';
import type { Engine } from '../../compute/engines/engine.ts';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import { directorySource } from '../../models/loading/directory-source.ts';
import type { ModelDirectory } from '../../models/loading/model-directory.ts';
import { openMemoryModelDirectory } from '../../models/loading/testing/memory-model-directory.ts';
import type { Directory } from '../../models/storage/directory.ts';
import { openMemoryDirectory } from '../../models/storage/memory-directory.ts';
import { openCheckpointStore } from '../../training/durable-checkpoint-store.ts';
import type { ComputeEvent } from '../compute-api.ts';
import { type ComputeClient, connectCompute } from '../compute-client.ts';
import { createComputeService } from '../compute-service.ts';
import { smallModel } from './small-model.ts';

/** The address at which the channel's service finds the small model. */
export const SMALL_MODEL_URL = 'http://model.test/nano/';

export interface ComputeChannel {
  readonly client: ComputeClient;
  readonly events: ComputeEvent[];
  /** The models on the device. */
  readonly models: ModelDirectory;
  /** The checkpoints that the device keeps for others. */
  readonly kept: Directory;
  close(): void;
}

/** The reference engine, which here lets messages in between runs as the other engines do. */
function yieldingReferenceEngine(): Engine {
  const engine = createReferenceEngine();
  return {
    kind: engine.kind,
    description: engine.description,
    allocate: (shape, dtype) => engine.allocate(shape, dtype),
    write: (tensor, data) => engine.write(tensor, data),
    read: (tensor) => engine.read(tensor),
    free: (tensor) => engine.free(tensor),
    async run(program, bindings, options) {
      await new Promise((resolve) => setImmediate(resolve));
      await engine.run(program, bindings, options);
    },
    stop: () => engine.stop(),
  };
}

/**
 * Service and client on the two ends of a real message channel, so that everything is cloned as between
 * threads. `capacity` is the size of the device's storage in bytes. Defaults to no limit.
 */
export function openComputeChannel(options: { readonly capacity?: number } = {}): ComputeChannel {
  const model = smallModel();
  const directory = openMemoryDirectory({ capacity: options.capacity });
  const models = openMemoryModelDirectory();
  const kept = openMemoryDirectory();
  const { port1, port2 } = new MessageChannel();
  Comlink.expose(
    createComputeService({
      storedModel: (id, files) => directorySource(models, id, files),
      openKept: async () => kept,
      openStore: async () => openCheckpointStore(directory),
      chooseEngine: async () => ({
        engine: yieldingReferenceEngine(),
        reason: 'requested',
        verdicts: [{ kind: 'reference', description: 'reference', checks: 2, same: 2 }],
      }),
      fetcher: async (input) => {
        const name = String(input).replace(SMALL_MODEL_URL, '');
        if (name !== 'config.json' && name !== 'tokenizer.json' && name !== 'model.safetensors')
          return new Response(null, { status: 404 });
        const bytes = (await model.file(name)) as Uint8Array<ArrayBuffer>;
        return new Response(bytes, { headers: { 'content-length': String(bytes.byteLength) } });
      },
    }),
    port1 as unknown as Comlink.Endpoint,
  );
  const events: ComputeEvent[] = [];
  return {
    client: connectCompute(port2 as unknown as Comlink.Endpoint, (event) => events.push(event)),
    events,
    models,
    kept,
    close: () => port1.close(),
  };
}
