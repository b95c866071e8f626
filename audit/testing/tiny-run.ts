/** A model of a few thousand parameters, for tests that need real training and not the published model. */
import type { Checkpoint } from '../../models/decoder/checkpoint.ts';
import type { DecoderConfig } from '../../models/decoder/config.ts';
import { initialParameters } from '../../models/decoder/initialize.ts';
import { freshState } from '../../models/decoder/state.ts';
import { RandomStream } from '../../protocol/philox.ts';
import { type RunSpec, type RunSpecOptions, runSpecOf } from '../run-spec.ts';

const TINY_CONFIG: DecoderConfig = {
  hiddenSize: 16,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headDim: 8,
  feedForward: 24,
  vocabulary: 64,
  context: 64,
  ropeTheta: 10000,
  normEpsilon: 1e-6,
  tiedEmbedding: true,
};

export const SUPERVISED = { kind: 'supervised', rows: 2, length: 24 } as const;
export const POLICY = { kind: 'policy', items: 2, samples: 4, promptLength: 6, answerLength: 3 } as const;

/** Over one block of layers, as the model has one layer. */
export const BLOCKS = { kind: 'blocks', rows: 1, length: 24, layers: [1], paths: [[1], [1], [1]] } as const;

/** A fresh model; the same every time. */
export function tinyStart(layers = 1): Checkpoint {
  const stream = new RandomStream([7, 11]);
  const config = { ...TINY_CONFIG, layers };
  const parameters = initialParameters({
    config,
    draw: (tensor, element, part) => stream.word(tensor, element, part),
    deviation: 0.3,
  });
  return {
    config,
    state: freshState(config, parameters),
    cursor: 3,
    rngKey: '0x74696e79',
  };
}

/** Training of the fresh model. */
export function tinySpec(options: Partial<RunSpecOptions> = {}): RunSpec {
  return runSpecOf({
    start: tinyStart(),
    steps: 4,
    seed: `0x${'5a'.repeat(32)}`,
    learningRate: 1e-2,
    work: SUPERVISED,
    ...options,
  });
}
