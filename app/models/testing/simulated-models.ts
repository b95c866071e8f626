/**
 * A controller of models whose worker only plays a scene, for drawings of the screen (`?scene=models-…`) and
 * for tests.
 */

import type { AddressedModel, StoredModel } from '../../../models/loading/library.ts';
import { memoryFit } from '../../../workers/memory-fit.ts';
import type { ModelCalls, ModelEvent } from '../../../workers/model-api.ts';
import type { ModelClient } from '../../../workers/model-client.ts';
import { ModelsController } from '../models-controller.ts';
import { ADAPTER, ANSWER, LOADED, SUMMARY } from './a-model.ts';

export const MODEL_SCENES = [
  'models-empty',
  'models-downloading',
  'models-chosen',
  'models-too-large',
  'models-loading',
  'models-answering',
  'models-learning',
  'models-taught',
  'models-failed',
] as const;
export type ModelScene = (typeof MODEL_SCENES)[number];

const HUB = 'https://huggingface.co/Qwen';
const DOWNLOADED: readonly AddressedModel[] = [
  {
    id: 'a',
    name: null,
    files: [],
    url: `${HUB}/Qwen2.5-0.5B-Instruct/resolve/main/`,
    root: `0x${'c4'.repeat(32)}`,
    verifiedBy: 'server',
    bytes: 1_003_481_000,
    total: 1_003_481_000,
  },
  {
    id: 'b',
    name: null,
    files: [],
    url: `${HUB}/Qwen2.5-1.5B-Instruct/resolve/main/`,
    root: null,
    verifiedBy: null,
    bytes: 1_204_000_000,
    total: 3_099_000_000,
  },
];
const STORED: readonly StoredModel[] = [
  ...DOWNLOADED,
  {
    id: 'c',
    name: 'school-sums',
    files: [],
    url: null,
    root: null,
    verifiedBy: null,
    bytes: 310_000,
    total: 985_000,
  },
];

type Handlers = {
  readonly [M in keyof ModelCalls]: (args: ModelCalls[M]['args']) => Promise<ModelCalls[M]['result']>;
};

/** The scene shows a moment of a call that does not end. */
const never = () => new Promise<never>(() => undefined);

function handlers(scene: ModelScene, emit: (event: ModelEvent) => void): Handlers {
  const learn = (run: number, steps: number) => {
    for (let step = 1; step <= steps; step++) {
      const loss = 1.2 + 2.6 * Math.exp(-step / 9) + 0.15 * Math.sin(step * 2.1);
      emit({ kind: 'step', run, step, loss, seconds: 2.41 });
    }
  };
  return {
    stored: async () => (scene === 'models-empty' ? [] : STORED),
    async download({ url }) {
      const [file, total] = ['model.safetensors', 1_003_481_000];
      for (const bytes of [102_000_000, 412_000_000]) emit({ kind: 'download', url, file, bytes, total });
      return never();
    },
    remove: async () => null,
    describe: never,
    obtain: never,
    take: never,
    heldChunks: never,
    putChunk: never,
    finishChunks: never,
    read: never,
    merge: never,
    async open() {
      if (scene === 'models-failed') {
        throw new Error(
          'config.json: model_type must be "qwen2" or "llama", got "gpt2"; use a Qwen2- or Llama-type model',
        );
      }
      return SUMMARY;
    },
    fit: async ({ engine, training }) => {
      const larger = scene === 'models-too-large' ? 5 : 1;
      const parts = {
        weights: 989e6 * larger,
        optimizer: training === null ? 0 : 35e6,
        prepacked: 0,
        bound: 51e6,
        activations: 210e6,
      };
      const total = parts.weights + parts.optimizer + parts.bound + parts.activations;
      return memoryFit({ parts: { ...parts, total }, engine, deviceMemory: 8 });
    },
    async load() {
      if (scene !== 'models-loading') return LOADED;
      emit({ kind: 'load', tensors: 118, of: 290 });
      return never();
    },
    async generate({ run }) {
      if (scene !== 'models-answering') return ANSWER;
      emit({ kind: 'text', run, text: ANSWER.text.slice(0, 30), tokens: 9, seconds: 1.1 });
      return never();
    },
    async train({ run, steps }) {
      learn(run, 31);
      if (scene === 'models-learning') return never();
      const losses = Array.from({ length: steps }, (_, i) => 1.2 + 2.6 * Math.exp(-(i + 1) / 9));
      return { adapter: { ...ADAPTER, steps }, losses, stopped: false, tokens: 4200 };
    },
    adapterFiles: never,
    adopt: async () => ADAPTER,
    close: async () => null,
  };
}

/** A controller in the middle of one scene. */
export function simulatedModels(scene: ModelScene): ModelsController {
  const controller = new ModelsController({
    openWorker: (listener) => {
      const answers = handlers(scene, listener);
      const call = ((method: keyof ModelCalls, args: never) => answers[method](args)) as ModelClient;
      return { call, stop: () => undefined };
    },
    now: Date.now,
    persist: () => undefined,
    save: () => undefined,
  });
  void play(controller, scene);
  return controller;
}

async function play(controller: ModelsController, scene: ModelScene): Promise<void> {
  const [model] = DOWNLOADED;
  if (scene === 'models-empty' || model === undefined) return;
  if (scene === 'models-downloading') return controller.download(model.url);
  await controller.use(model);
  if (scene === 'models-chosen' || scene === 'models-too-large' || scene === 'models-failed') return;
  await controller.load({ engine: 'wasm', threads: 8, positions: 1024 });
  const { generation } = SUMMARY;
  const ask = {
    prompt: 'What is a murmuration?',
    chat: true,
    greedy: false,
    seed: 1,
    maxNewTokens: 128,
    bare: false,
  };
  await controller.ask({
    ...ask,
    temperature: generation.temperature,
    topK: generation.topK,
    topP: generation.topP,
  });
  await controller.train({
    source: { format: 'text', text: 'Starlings turn together.' },
    fresh: true,
    rank: 8,
    alpha: 16,
    rows: 1,
    length: 64,
    recompute: false,
    rate: 0.0002,
    steps: 40,
    seed: 1,
  });
}
