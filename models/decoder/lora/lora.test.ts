import { describe, expect, it } from 'vitest';
import { createReferenceEngine } from '../../../compute/engines/reference.ts';
import { philox4x32 } from '../../../protocol/philox.ts';
import { parseSafetensors, serializeSafetensors } from '../../checkpoint/safetensors.ts';
import type { DecoderConfig } from '../config.ts';
import { FrozenSession } from '../frozen-session.ts';
import { initialParameters } from '../initialize.ts';
import { ModelStateError } from '../state.ts';
import { memoryWeights } from '../weights.ts';
import {
  type AdapterCheckpoint,
  adapterRoot,
  decodeAdapters,
  encodeAdapters,
  freshAdapterState,
} from './adapter-state.ts';
import {
  adapterSpecs,
  checkLora,
  DEFAULT_LORA,
  initialAdapters,
  LoraError,
  type LoraOptions,
  loraScale,
} from './adapters.ts';
import { frozenRoot } from './frozen-root.ts';
import { runLoraCase } from './lora-case.ts';
import { mergedWeights } from './merge.ts';
import { type PeftFiles, peftFiles, readPeft } from './peft.ts';

const config: DecoderConfig = {
  hiddenSize: 16,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 4,
  feedForward: 24,
  vocabulary: 37,
  context: 32,
  ropeTheta: 10000,
  normEpsilon: 1e-6,
  tiedEmbedding: true,
};
const lora: LoraOptions = { rank: 4, alpha: 8, targets: ['q_proj', 'v_proj', 'down_proj'] };
const draw = (tensor: number, element: number, part: number) =>
  philox4x32([tensor, element, part, 0], [5, 6])[0];
const parameters = initialParameters({ config, draw, deviation: 0.3 });
const adapters = initialAdapters({ config, lora, draw });
for (const values of adapters.values())
  for (let i = 0; i < values.length; i++) values[i]! += ((i % 9) - 4) / 64;
const base = await frozenRoot(config, memoryWeights(parameters));
const checkpoint: AdapterCheckpoint = {
  config,
  lora,
  base,
  state: { ...freshAdapterState(config, lora, adapters), step: 3 },
};

describe('adapters', () => {
  it('begin with B zero and A normal of deviation 1 / rank', () => {
    const fresh = initialAdapters({ config: { ...config, hiddenSize: 512 }, lora, draw });
    for (const [name, values] of fresh) {
      const square = values.reduce((sum, x) => sum + x * x, 0) / values.length;
      if (name.includes('lora_B')) expect(square).toBe(0);
      else if (values.length > 1000) expect(Math.sqrt(square)).toBeCloseTo(1 / 4, 1);
    }
  });

  it('have PEFT’s names and shapes', () => {
    expect(adapterSpecs(config, lora).slice(0, 2)).toEqual([
      { name: 'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight', shape: [4, 16] },
      { name: 'base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight', shape: [16, 4] },
    ]);
    expect(adapterSpecs(config, DEFAULT_LORA)).toHaveLength(2 * 7 * 2);
  });

  it('scale by alpha / rank', () => {
    expect(loraScale({ ...lora, rank: 8, alpha: 16 })).toBe(2);
    expect(loraScale({ ...lora, rank: 16, alpha: 8 })).toBe(0.5);
    expect(loraScale({ ...lora, rank: 3, alpha: 6 })).toBeCloseTo(2, 6);
  });

  it.each<[string, Partial<LoraOptions>]>([
    ['no rank', { rank: 0 }],
    ['half a rank', { rank: 1.5 }],
    ['a huge rank', { rank: 257 }],
    ['no alpha', { alpha: 0 }],
    ['no targets', { targets: [] }],
    ['a target twice', { targets: ['q_proj', 'q_proj'] }],
  ])('refuse %s', (_, change) => {
    expect(() => checkLora({ ...lora, ...change })).toThrow(LoraError);
  });
});

describe('adapter checkpoint', () => {
  it('reads back the same and has a root over all of it', () => {
    const file = encodeAdapters(checkpoint);
    expect(decodeAdapters(file)).toEqual(checkpoint);
    const root = adapterRoot(checkpoint);
    const name = [...adapters.keys()][1] ?? '';
    const bumped = new Map(adapters).set(
      name,
      (adapters.get(name) ?? new Float32Array()).map((x) => x + 1),
    );
    const others: AdapterCheckpoint[] = [
      { ...checkpoint, state: { ...checkpoint.state, step: 4 } },
      { ...checkpoint, state: { ...checkpoint.state, adapters: bumped } },
      { ...checkpoint, state: { ...checkpoint.state, v: bumped } },
      { ...checkpoint, lora: { ...lora, alpha: 9 } },
      { ...checkpoint, base: `0x${'0'.repeat(64)}` },
    ];
    expect(new Set([root, ...others.map(adapterRoot)]).size).toBe(6);
  });

  it('reads back what a swarm needs of it, to which the root commits', () => {
    const learning = { cursor: 7, rngKey: `0x${'ab'.repeat(20)}`, training: '{"version":3}' } as const;
    const learnt: AdapterCheckpoint = { ...checkpoint, learning };
    expect(decodeAdapters(encodeAdapters(learnt))).toEqual(learnt);
    const roots = [
      checkpoint,
      learnt,
      { ...learnt, learning: { ...learning, cursor: 8 } },
      { ...learnt, learning: { ...learning, training: '{}' } },
    ].map(adapterRoot);
    expect(new Set(roots).size).toBe(4);
    const damaged = (edit: (metadata: Map<string, string>) => void) => {
      const { tensors, metadata } = parseSafetensors(encodeAdapters(learnt));
      const changed = new Map(metadata);
      edit(changed);
      return serializeSafetensors({ tensors, metadata: changed });
    };
    for (const bad of [
      damaged((m) => m.delete('cursor')),
      damaged((m) => m.delete('training')),
      damaged((m) => m.set('cursor', '1.5')),
      damaged((m) => m.set('rng', '0xzz')),
      damaged((m) => m.set('training', 'x'.repeat(65_537))),
      damaged((m) => m.set('more', '')),
    ]) {
      expect(() => decodeAdapters(bad)).toThrow(ModelStateError);
    }
  });

  it('refuses a damaged file', () => {
    const good = encodeAdapters(checkpoint);
    const changed = (edit: (tensors: Map<string, unknown>, metadata: Map<string, string>) => void) => {
      const { tensors, metadata } = parseSafetensors(good);
      const contents = { tensors: new Map(tensors), metadata: new Map(metadata) };
      edit(contents.tensors, contents.metadata);
      return serializeSafetensors(contents);
    };
    const name = [...adapters.keys()][0] ?? '';
    for (const bad of [
      changed((t) => t.delete(name)),
      changed((t) => t.set('x', t.get(name))),
      changed((_, m) => m.set('format', 'pt')),
      changed((_, m) => m.set('base', '0x12')),
      changed((_, m) => m.set('step', '-1')),
      changed((_, m) => m.set('more', '')),
      changed((_, m) => m.set('lora', '{"rank":4,"alpha":8,"targets":["lm_head"]}')),
      changed((_, m) => m.set('lora', '{')),
    ]) {
      expect(() => decodeAdapters(bad)).toThrow(ModelStateError);
    }
    expect(() =>
      decodeAdapters(changed((_, m) => m.set('lora', '{"rank":0,"alpha":8,"targets":["q_proj"]}'))),
    ).toThrow(LoraError);
  });

  it('stands on the frozen weights’ root, which changes with any of them', async () => {
    const other = new Map(parameters);
    const norm = (parameters.get('model.norm.weight') ?? new Float32Array()).slice();
    norm[3] = 2;
    other.set('model.norm.weight', norm);
    expect(await frozenRoot(config, memoryWeights(other))).not.toBe(base);
    expect(await frozenRoot(config, memoryWeights(parameters))).toBe(base);
  });
});

/** The fields of a recent adapter_config.json that are off in a plain LoRA adapter. */
const OFF = {
  alora_invocation_tokens: null,
  alpha_pattern: {},
  arrow_config: null,
  corda_config: null,
  ensure_weight_tying: false,
  eva_config: null,
  exclude_modules: null,
  layer_replication: null,
  layers_pattern: null,
  layers_to_transform: null,
  loftq_config: {},
  lora_bias: false,
  megatron_config: null,
  megatron_core: 'megatron.core',
  modules_to_save: null,
  qalora_group_size: 16,
  rank_pattern: {},
  target_parameters: [],
  trainable_token_indices: null,
  use_qalora: false,
};

describe('PEFT files', () => {
  const files = peftFiles({ config, lora, adapters, base: 'model' });
  const withSettings = (change: Record<string, unknown>): PeftFiles => ({
    ...files,
    'adapter_config.json': new TextEncoder().encode(
      JSON.stringify({
        ...(JSON.parse(new TextDecoder().decode(files['adapter_config.json'])) as Record<string, unknown>),
        ...change,
      }),
    ),
  });

  it('read back the same', () => {
    expect(readPeft(config, files)).toEqual({ lora, adapters });
    expect(
      readPeft(config, withSettings({ target_modules: ['down_proj', 'v_proj', 'q_proj'] })).lora,
    ).toEqual(lora);
  });

  it.each<[string, Record<string, unknown>]>([
    ['every field off', OFF],
    ['fields for people and tools', { peft_version: '0.18.0', revision: 'main', auto_mapping: { a: 1 } }],
    ['an initialisation that keeps the base weights', { init_lora_weights: 'eva', eva_config: { rho: 2 } }],
    ['an orthogonal one', { init_lora_weights: 'orthogonal' }],
    ['the default one', { init_lora_weights: true, lora_dropout: 0.1, inference_mode: false }],
    ['a newer field that is off', { use_something_new: false, something_else: {} }],
  ])('are taken with %s', (_, change) => {
    expect(readPeft(config, withSettings(change))).toEqual({ lora, adapters });
  });

  it.each<[string, unknown]>([
    ...['pissa', 'pissa_niter_16', 'olora', 'corda', 'loftq', 'lora_ga', 'anything'].map(
      (word): [string, unknown] => ['init_lora_weights', word],
    ),
    ['alora_invocation_tokens', [1, 2]],
    ['alora_invocation_tokens', []],
    ['use_rslora', true],
    ['use_qalora', true],
    ['lora_bias', true],
    ['bias', 'all'],
    ['fan_in_fan_out', true],
    ['task_type', 'SEQ_CLS'],
    ['modules_to_save', ['lm_head']],
    ['layers_to_transform', [1]],
    ['layer_replication', [[0, 1]]],
    ['alpha_pattern', { q_proj: 3 }],
    ['trainable_token_indices', [3]],
    ['target_parameters', ['experts.weight']],
    ['megatron_config', { a: 1 }],
    ['arrow_config', { top_k: 2 }],
    ['ensure_weight_tying', true],
    ['use_something_new', 1],
  ])('refuse %s %j by name', (name, value) => {
    const bad = withSettings({ [name]: value });
    expect(() => readPeft(config, bad)).toThrow(LoraError);
    expect(() => readPeft(config, bad)).toThrow(`adapter_config.json: ${name} `);
  });

  it.each<[string, PeftFiles, RegExp]>([
    ['another kind of adapter', withSettings({ peft_type: 'IA3' }), /peft_type/],
    ['DoRA', withSettings({ use_dora: true }), /use_dora/],
    ['ranks by layer', withSettings({ rank_pattern: { q_proj: 3 } }), /rank_pattern/],
    ['unknown modules', withSettings({ target_modules: ['lm_head'] }), /unknown modules/],
    ['another rank', withSettings({ r: 2 }), /is missing/],
    ['no rank', withSettings({ r: null }), /no number/],
    ['fewer targets', withSettings({ target_modules: ['q_proj'] }), /no adapter of this model/],
    ['no JSON', { ...files, 'adapter_config.json': Uint8Array.of(0x7b) }, /not JSON/],
  ])('refuse %s', (_, bad, message) => {
    expect(() => readPeft(config, bad)).toThrow(LoraError);
    expect(() => readPeft(config, bad)).toThrow(message);
  });
});

describe('merged weights', () => {
  it('compute nearly what the adapted model computes', async () => {
    const batch = {
      batch: 1,
      length: 8,
      tokens: [1, 2, 3, 4, 5, 6, 7, 8],
      targets: [2, 3, 4, 5, 6, 7, 8, 9],
    };
    const weights = memoryWeights(parameters);
    const scores = async (more: object, source = weights) => {
      const session = await FrozenSession.create({
        engine: createReferenceEngine(),
        config,
        weights: source,
        ...more,
      });
      return session.score(batch);
    };
    const plain = await scores({});
    const adapted = await scores({ lora: { ...lora, adapters } });
    const merged = await scores({}, mergedWeights(config, weights, lora, adapters));
    const distance = (a: Float32Array, b: Float32Array) =>
      Math.max(...a.map((x, i) => Math.abs(x - (b[i] ?? 0))));
    expect(distance(adapted, plain)).toBeGreaterThan(0.2);
    expect(distance(adapted, merged)).toBeLessThan(0.05);
  });
});

describe('runLoraCase', () => {
  const small = { config: { ...config, vocabulary: 64 }, lora, batch: 1, length: 8, steps: 3 };

  it('gives one root for one seed, kept or computed again', async () => {
    const engine = createReferenceEngine();
    const first = await runLoraCase({ ...small, engine, seed: 1 });
    expect(await runLoraCase({ ...small, engine, seed: 1, recompute: true })).toEqual(first);
    expect((await runLoraCase({ ...small, engine, seed: 2 })).root).not.toBe(first.root);
    expect(first.losses.at(-1)).toBeLessThan(first.losses[0] ?? 0);
  });
});
