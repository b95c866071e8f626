/** Specifications for tests and for docs/vectors/swarm-spec.json: one small, one with every kind of field. */
import type { SwarmSpec } from '../swarm-spec.ts';

/** A swarm of the built-in model that trains all weights on one task. */
export const smallSpec: SwarmSpec = {
  version: 1,
  name: 'Sums',
  description: 'The built-in model learns to add.',
  language: 'en',
  startedBy: `0x${'a1'.repeat(20)}`,
  startedAt: 1_800_000_000,
  base: { kind: 'builtin', name: 'nano', root: `0x${'0b'.repeat(32)}` },
  trained: { kind: 'full' },
  models: 'one',
  tasks: { generators: [{ id: 'chain-sum', version: 1, difficulties: [0] }], dataSets: [] },
  round: {
    itemsPerRound: 64,
    itemsAnswered: 8,
    samplesPerItem: 8,
    temperature: 1,
    answerTokens: 24,
    critiqueTokens: 48,
    learningRate: 3e-4,
    warmupSteps: 10,
    stepsPerRound: 1,
    weightDecay: 0,
    heldOutItems: 384,
  },
  schedule: { answerSeconds: 8, critiqueSeconds: 5, voteSeconds: 7 },
};

/** A swarm of the built-in model in two blocks of layers, of which each microbatch leaves one out. */
export const blocksSpec: SwarmSpec = {
  ...smallSpec,
  name: 'Sums in blocks',
  blocks: {
    layersPerBlock: 1,
    skipped: 1,
    fullEvery: 10,
    microbatches: 8,
    rows: 4,
    length: 64,
    boundary: 'bf16',
  },
};

/** As `blocksSpec`, with adapters beside frozen weights of files, and the vocabulary in parts. */
export const partsSpec: SwarmSpec = {
  ...blocksSpec,
  name: 'Sums in blocks, with adapters',
  base: {
    kind: 'files',
    name: 'ten',
    root: `0x${'1d'.repeat(32)}`,
    frozenRoot: `0x${'1e'.repeat(32)}`,
    files: [
      { path: 'config.json', size: 512, sha256: `0x${'3d'.repeat(32)}`, urls: [] },
      {
        path: 'model.safetensors',
        size: 20_000_000,
        sha256: `0x${'4e'.repeat(32)}`,
        urls: [],
        manifest: 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy',
      },
    ],
  },
  trained: { kind: 'adapters', rank: 4, alpha: 8, targets: ['q_proj', 'v_proj'] },
  blocks: {
    layersPerBlock: 1,
    skipped: 0,
    fullEvery: 0,
    microbatches: 2,
    rows: 2,
    length: 32,
    boundary: 'bf16',
    vocabularyParts: 3,
  },
};

/** A swarm of a published model with adapters, the catalogue and a data set for each kind of checker. */
export const fullSpec: SwarmSpec = {
  ...smallSpec,
  name: 'School sums with Qwen – aufs Neue',
  description: 'Qwen2.5 learns arithmetic in words from a file of questions.',
  language: 'de-AT',
  base: {
    kind: 'files',
    name: 'Qwen/Qwen2.5-0.5B-Instruct',
    root: `0x${'2c'.repeat(32)}`,
    files: [
      {
        path: 'config.json',
        size: 659,
        sha256: `0x${'3d'.repeat(32)}`,
        urls: ['https://huggingface.co/Qwen/Qwen2.5-0.5B-Instruct/resolve/main/config.json'],
      },
      {
        path: 'weights/model.safetensors',
        size: 988_097_824,
        sha256: `0x${'4e'.repeat(32)}`,
        urls: [],
        manifest: 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy',
      },
    ],
  },
  trained: { kind: 'adapters', rank: 8, alpha: 16.5, targets: ['q_proj', 'v_proj'] },
  models: 'any',
  tasks: {
    generators: [
      { id: 'chain-sum', version: 1, difficulties: [0, 1, 3] },
      { id: 'base-conversion', version: 2, difficulties: [1] },
    ],
    dataSets: (
      [
        { kind: 'exact', ignoreCase: true },
        { kind: 'number' },
        { kind: 'choice', choices: ['A', 'B', 'C'] },
        { kind: 'set', separator: ', ' },
        { kind: 'pattern' },
        { kind: 'json' },
      ] as const
    ).map((checker, i) => ({
      id: `questions-${i}`,
      file: {
        path: `questions-${i}.jsonl`,
        size: 4096 + i,
        sha256: `0x${'5f'.repeat(31)}0${i}` as const,
        urls: [`https://example.org/questions-${i}.jsonl`],
      },
      fields: { prompt: 'question', answer: 'answer' },
      heldOutOneIn: 10,
      checker,
    })),
  },
  round: { ...smallSpec.round, temperature: 0.7, learningRate: 1.5e-5, weightDecay: 0.01 },
};
