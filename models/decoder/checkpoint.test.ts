import { describe, expect, it } from 'vitest';
import { elementCount } from '../../compute/repops/program.ts';
import { inclusionProof, leafHash, verifyInclusion } from '../../protocol/merkle.ts';
import { checkpointLeaves, checkpointRoot, tensorLeafData } from '../checkpoint/root.ts';
import { parseSafetensors, SafetensorsError, serializeSafetensors } from '../checkpoint/safetensors.ts';
import { type Checkpoint, CheckpointError, decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts';
import { type DecoderConfig, parameterSpecs } from './config.ts';

const config: DecoderConfig = {
  hiddenSize: 8,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headDim: 4,
  feedForward: 12,
  vocabulary: 300,
  context: 16,
  ropeTheta: 10000,
  normEpsilon: 1e-6,
  tiedEmbedding: true,
};

function values(salt: number): Map<string, Float32Array> {
  return new Map(
    parameterSpecs(config).map(({ name, shape }) => [
      name,
      Float32Array.from({ length: elementCount(shape) }, (_, i) => ((i * 37 + salt) % 101) / 64 - 0.5),
    ]),
  );
}

const checkpoint: Checkpoint = {
  config,
  state: { parameters: values(1), m: values(2), v: values(3), step: 12 },
  cursor: 3,
  rngKey: '0x0102030405060708',
};
const bytes = encodeCheckpoint(checkpoint);

/** The file with one tensor or metadata entry changed. */
function changed(
  edit: (contents: {
    tensors: Map<string, { dtype: 'F32'; shape: number[]; data: Uint8Array }>;
    metadata: Map<string, string>;
  }) => void,
) {
  const parsed = parseSafetensors(bytes);
  const tensors = new Map(
    [...parsed.tensors].map(([name, { shape, data }]) => [
      name,
      { dtype: 'F32' as const, shape: [...shape], data: data.slice() },
    ]),
  );
  const contents = { tensors, metadata: new Map(parsed.metadata) };
  edit(contents);
  return serializeSafetensors(contents);
}

describe('checkpoint file', () => {
  it('reads back the same, and writes the same bytes again', () => {
    const decoded = decodeCheckpoint(bytes);
    expect(decoded).toEqual(checkpoint);
    expect(encodeCheckpoint(decoded)).toEqual(bytes);
  });

  it('keeps the training settings, which the root covers', () => {
    const file = encodeCheckpoint({ ...checkpoint, training: '{"group":8}' });
    expect(decodeCheckpoint(file).training).toBe('{"group":8}');
    expect(checkpointRoot(file)).not.toBe(checkpointRoot(bytes));
  });

  const name = 'model.norm.weight';
  it.each([
    ['NaN', 0x7fc00000],
    ['infinity', 0x7f800000],
    ['minus zero', 0x80000000],
    ['a subnormal', 1],
    ['a value below 2^-125', 0x00ffffff],
  ])('refuses %s', (_, bits) => {
    const file = changed(({ tensors }) =>
      new DataView(tensors.get(name)!.data.buffer).setUint32(4, bits, true),
    );
    expect(() => decodeCheckpoint(file)).toThrow(/model.norm.weight is not canonical at element 1/);
  });

  it('takes the smallest and the largest canonical value', () => {
    const file = changed(({ tensors }) => {
      const view = new DataView(tensors.get(name)!.data.buffer);
      view.setUint32(0, 0x01000000, true);
      view.setUint32(4, 0xff7fffff, true);
    });
    expect(decodeCheckpoint(file).state.parameters.get(name)?.[0]).toBe(2 ** -125);
  });

  it.each<[string, Parameters<typeof changed>[0], RegExp]>([
    ['a missing tensor', (c) => c.tensors.delete(name), /tensors/],
    [
      'an extra tensor',
      (c) => c.tensors.set('x', { dtype: 'F32', shape: [0], data: new Uint8Array() }),
      /tensors/,
    ],
    [
      'a foreign tensor',
      (c) => {
        c.tensors.set('x', c.tensors.get(name)!);
        c.tensors.delete(name);
      },
      /is missing/,
    ],
    ['another shape', (c) => (c.tensors.get(name)!.shape = [4, 2]), /has shape \[4,2\]/],
    ['another format', (c) => c.metadata.set('format', 'pt'), /format/],
    ['no step', (c) => c.metadata.delete('step'), /metadata step is missing/],
    ['a negative step', (c) => c.metadata.set('step', '-1'), /step is not a whole number/],
    ['a step with zeros before it', (c) => c.metadata.set('step', '007'), /step is not a whole number/],
    ['a cursor beyond 2^53', (c) => c.metadata.set('cursor', '9999999999999999'), /cursor/],
    ['an odd key', (c) => c.metadata.set('rng', '0x123'), /rng/],
    [
      'training settings beyond their limit',
      (c) => c.metadata.set('training', 'x'.repeat(65_537)),
      /too long/,
    ],
    ['unknown metadata', (c) => c.metadata.set('more', ''), /unknown metadata/],
    ['a config that is not JSON', (c) => c.metadata.set('config', '{'), /config is not JSON/],
    ['a config of another model', (c) => c.metadata.set('config', '{"model_type":"bert"}'), /qwen2/],
  ])('refuses %s', (_, edit, message) => {
    expect(() => decodeCheckpoint(changed(edit))).toThrow(message);
  });

  it('refuses every truncation', () => {
    for (let length = 0; length < bytes.length; length += 97) {
      expect(() => decodeCheckpoint(bytes.subarray(0, length))).toThrow(SafetensorsError);
    }
    expect(new CheckpointError('x')).toBeInstanceOf(Error);
  });
});

describe('checkpoint root', () => {
  it('is the committed one, which a separate implementation (Python hashlib) also gives', () => {
    expect(checkpointRoot(bytes)).toBe('0x12852a8a8b1a70579128414a1a63a9c2251b35d88e7253e44e4f22eee905e408');
  });

  it('covers every bit: one flipped in any tensor or metadata changes it, and that leaf alone', () => {
    const namesInOrder = [...parseSafetensors(bytes).tensors.keys()].sort();
    const before = checkpointLeaves(parseSafetensors(bytes));
    for (const target of [
      'model.embed_tokens.weight',
      'optimizer.m.model.norm.weight',
      'optimizer.v.model.norm.weight',
    ]) {
      const file = changed(({ tensors }) => {
        const { data } = tensors.get(target)!;
        data[data.length - 3]! ^= 1;
      });
      expect(checkpointRoot(file)).not.toBe(checkpointRoot(bytes));
      const after = checkpointLeaves(parseSafetensors(file));
      const changedLeaves = before.flatMap((leaf, i) =>
        Buffer.compare(leaf, after[i] ?? leaf.subarray(1)) === 0 ? [] : [namesInOrder[i]],
      );
      expect(changedLeaves).toEqual([target]);
    }
    for (const key of ['step', 'cursor', 'rng', 'config']) {
      const file = changed(({ metadata }) => metadata.set(key, `${metadata.get(key)} `));
      expect(checkpointRoot(file)).not.toBe(checkpointRoot(bytes));
    }
  });

  it('does not depend on the order of tensors in the file', () => {
    const { tensors, metadata } = parseSafetensors(bytes);
    const reversed = { tensors: new Map([...tensors].reverse()), metadata: new Map([...metadata].reverse()) };
    expect(checkpointRoot(reversed)).toBe(checkpointRoot(bytes));
  });

  it('opens to one tensor', () => {
    const contents = parseSafetensors(bytes);
    const leaves = checkpointLeaves(contents);
    const names = [...contents.tensors.keys()].sort();
    const index = names.indexOf('model.norm.weight');
    const leaf = leafHash(tensorLeafData('model.norm.weight', contents.tensors.get('model.norm.weight')!));
    const root = Uint8Array.from(Buffer.from(checkpointRoot(contents).slice(2), 'hex'));
    const proof = inclusionProof(leaves, index);
    expect(verifyInclusion({ leaf, index, size: leaves.length, proof, root })).toBe(true);
  });
});
