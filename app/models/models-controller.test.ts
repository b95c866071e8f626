import { describe, expect, it } from 'vitest';
import type { AddressedModel } from '../../models/loading/library.ts';
import type { ModelCalls, ModelEvent } from '../../workers/model-api.ts';
import type { ModelClient } from '../../workers/model-client.ts';
import { fromPlainError } from '../../workers/plain-error.ts';
import { ModelsController } from './models-controller.ts';
import { ADAPTER, LOADED, SUMMARY } from './testing/a-model.ts';

const STORED: AddressedModel = {
  name: null,
  files: [],
  id: 'a',
  url: 'https://models.test/b/c/',
  root: `0x${'22'.repeat(32)}`,
  verifiedBy: 'nobody',
  bytes: 1000,
  total: 1000,
};

type Answers = {
  readonly [M in keyof ModelCalls]?: (
    args: ModelCalls[M]['args'],
    signal: AbortSignal | undefined,
  ) => Promise<ModelCalls[M]['result']>;
};

/** A controller with a worker that answers as it is told. */
function controllerOn(answers: Answers) {
  const asked: string[] = [];
  const saved: string[] = [];
  const worker: { tell: (event: ModelEvent) => void; crash: () => void } = {
    tell: () => {},
    crash: () => {},
  };
  const call = (async (method, args, signal) => {
    asked.push(method);
    const answer = answers[method];
    if (answer === undefined) throw new Error(`nobody answers ${method}`);
    return answer(args, signal);
  }) as ModelClient;
  const controller = new ModelsController({
    openWorker: (listener, onCrash) => {
      worker.tell = listener;
      worker.crash = onCrash;
      return { call, stop: () => asked.push('worker stopped') };
    },
    now: () => 0,
    persist: () => asked.push('persist'),
    save: (name) => saved.push(name),
  });
  return { controller, asked, saved, worker };
}

const usual: Answers = {
  stored: async () => [STORED],
  download: async () => STORED,
  open: async () => SUMMARY,
  load: async () => LOADED,
  train: async () => ({ adapter: ADAPTER, losses: [3, 2, 1], stopped: false, tokens: 10 }),
  close: async () => null,
  adapterFiles: async () => ({
    peft: [{ name: 'adapter_config.json', bytes: new Uint8Array(2) }],
    checkpoint: new Uint8Array(3),
    root: `0x${'33'.repeat(32)}`,
    base: `0x${'44'.repeat(32)}`,
  }),
};
const lesson = {
  source: { format: 'text', text: 'x' },
  fresh: true,
  rank: 8,
  alpha: 16,
  rows: 1,
  length: 8,
  recompute: false,
  rate: 0.01,
  steps: 3,
  seed: 1,
} as const;

describe('ModelsController', () => {
  it('downloads, asks the browser to keep it, and uses what it got', async () => {
    const { controller, asked } = controllerOn(usual);
    await controller.download(STORED.url);
    expect(asked).toEqual(['persist', 'download', 'stored', 'open']);
    expect(controller.store.getState()).toMatchObject({
      download: null,
      stored: [STORED],
      model: { name: 'b/c', root: STORED.root, load: { kind: 'not' } },
    });
  });

  it('says why something failed, but nothing of what the person stopped', async () => {
    const hanging: Answers = {
      ...usual,
      download: (_args, signal) =>
        new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
      open: async () => {
        throw new Error('the picked files has no config.json; choose a folder with a whole model');
      },
    };
    const { controller } = controllerOn(hanging);
    const downloading = controller.download(STORED.url);
    controller.cancel('download');
    await downloading;
    expect(controller.store.getState()).toMatchObject({ download: null, model: null, failures: {} });
    await controller.use(STORED);
    expect(controller.store.getState().failures.choose).toMatch(/^The picked files .* model\.$/);
    expect(controller.store.getState().looking).toBeNull();
  });

  it('lets no other model take the place of an adapter that was not saved', async () => {
    const { controller, saved } = controllerOn(usual);
    await controller.use(STORED);
    await controller.load({ engine: 'wasm', threads: 1, positions: 64 });
    await controller.train(lesson);
    await controller.use(STORED);
    expect(controller.store.getState().failures.choose).toContain('is not saved');
    expect(controller.store.getState().model?.adapter?.steps).toBe(3);
    await controller.saveAdapter('checkpoint');
    await controller.saveAdapter('peft');
    expect(saved).toEqual(['starling-adapter-3.safetensors', 'adapter_config.json']);
    await controller.use(STORED);
    expect(controller.store.getState()).toMatchObject({ failures: {}, model: { adapter: null } });
  });

  it('knows that a lost GPU took the weights, and a crashed worker everything', async () => {
    const lost = fromPlainError({
      kind: 'device-lost',
      name: 'DeviceLostError',
      message: 'The GPU went away.',
    });
    const { controller, worker } = controllerOn({ ...usual, train: () => Promise.reject(lost) });
    await controller.use(STORED);
    await controller.load({ engine: 'webgpu', threads: 1, positions: 64 });
    await controller.train(lesson);
    expect(controller.store.getState()).toMatchObject({
      model: { load: { kind: 'not' } },
      failures: { train: 'The GPU went away.' },
    });
    worker.crash();
    expect(controller.store.getState().model).toBeNull();
  });
});
