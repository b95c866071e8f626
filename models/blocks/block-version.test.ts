import { describe, expect, it } from 'vitest';
import { must } from '../../protocol/must.ts';
import { checkpointRoot, tensorRoot } from '../checkpoint/root.ts';
import { parseSafetensors, type StoredTensor, serializeSafetensors } from '../checkpoint/safetensors.ts';
import { checkpointContents, checkpointMetadata } from '../decoder/checkpoint.ts';
import { type DecoderConfig, NANO_CONFIG } from '../decoder/config.ts';
import { blockPlan } from './block-plan.ts';
import {
  BlockVersionError,
  blockRoot,
  blocksOf,
  composedRoot,
  decodeBlock,
  encodeBlock,
  modelOf,
} from './block-version.ts';
import { nanoStart } from './testing/nano-case.ts';

const config: DecoderConfig = { ...NANO_CONFIG, layers: 3, tiedEmbedding: false };
const start = nanoStart(config);
const plan = blockPlan({ config, layers: [2, 1] });
const versions = blocksOf(plan, start.state);
const rootsOf = (tensors: ReadonlyMap<string, Uint8Array>) =>
  new Map([...tensors].map(([name, bytes]) => [name, tensorRoot(bytes)]));

describe('block versions', () => {
  it('[B-11] make the checkpoint’s root from tensor roots alone', () => {
    const roots = new Map(versions.flatMap(({ tensors }) => [...rootsOf(tensors)]));
    const expected = checkpointRoot(checkpointContents(start));
    expect(composedRoot(plan, checkpointMetadata(start, 0), roots)).toBe(expected);
    roots.delete('optimizer.v.model.norm.weight');
    expect(() => composedRoot(plan, checkpointMetadata(start, 0), roots)).toThrow(BlockVersionError);
  });

  it('[B-11] make the whole model', () => {
    const state = modelOf(plan, versions);
    expect(checkpointRoot(checkpointContents({ ...start, state }))).toBe(
      checkpointRoot(checkpointContents(start)),
    );
    expect(() => modelOf(plan, versions.slice(1))).toThrow(/embedding is missing at step 0/);
    const later = { ...must(versions, 2), step: 1 };
    expect(() => modelOf(plan, versions.with(2, later))).toThrow(/layers.2-2 is missing at step 0/);
  });

  it('have canonical values, whatever a published model has', () => {
    const gain = 'model.norm.weight';
    const odd = Float32Array.from({ length: 64 }, (_, i) => (i === 0 ? -0 : i === 1 ? 1e-42 : 1));
    const parameters = new Map(start.state.parameters).set(gain, odd);
    const head = must(blocksOf(plan, { ...start.state, parameters }), 3);
    const values = new Float32Array(head.tensors.get(gain)?.slice().buffer ?? new ArrayBuffer(0));
    expect([...values.slice(0, 3)]).toEqual([0, 0, 1]);
    expect(Object.is(values[0], 0)).toBe(true);
    odd[2] = Number.NaN;
    expect(() => blocksOf(plan, { ...start.state, parameters })).toThrow(/NaN/);
  });

  it('[B-13] have roots that tell blocks, steps and every bit apart', () => {
    const version = must(versions, 1);
    const root = blockRoot(plan, version);
    const { block, step } = version;
    expect(blockRoot(plan, { block, step, roots: rootsOf(version.tensors) })).toBe(root);
    const name = 'model.layers.1.mlp.up_proj.weight';
    const bytes = version.tensors.get(name)?.slice() ?? new Uint8Array();
    bytes[5] = (bytes[5] ?? 0) ^ 1;
    const others = [
      { ...version, step: 1 },
      { ...version, tensors: new Map(version.tensors).set(name, bytes) },
      must(versions, 2),
    ];
    expect(new Set([root, ...others.map((other) => blockRoot(plan, other))]).size).toBe(4);
    expect(() => blockRoot(plan, { block, step, roots: new Map() })).toThrow(BlockVersionError);
  });

  it('[B-13] read back from their files', () => {
    for (const version of versions) {
      const read = decodeBlock(plan, encodeBlock(plan, version));
      expect([read.block, read.step, [...read.tensors.keys()]]).toEqual([
        version.block,
        version.step,
        [...version.tensors.keys()],
      ]);
      expect(blockRoot(plan, read)).toBe(blockRoot(plan, version));
    }
  });

  it('[B-13] read back from a Buffer that begins at an odd place, as frames and files do in Node', () => {
    const version = must(versions, 1);
    const file = encodeBlock(plan, version);
    const larger = Buffer.alloc(file.length + 9);
    larger.set(file, 7);
    const read = decodeBlock(plan, larger.subarray(7, 7 + file.length));
    expect(blockRoot(plan, read)).toBe(blockRoot(plan, version));
    larger.fill(0xff);
    expect(blockRoot(plan, read)).toBe(blockRoot(plan, version));
  });

  it('[B-13] are refused when damaged or of another plan', () => {
    const good = encodeBlock(plan, must(versions, 1));
    const changed = (edit: (tensors: Map<string, StoredTensor>, metadata: Map<string, string>) => void) => {
      const { tensors, metadata } = parseSafetensors(good);
      const contents = { tensors: new Map(tensors), metadata: new Map(metadata) };
      edit(contents.tensors, contents.metadata);
      return serializeSafetensors(contents);
    };
    const gain = 'model.layers.0.input_layernorm.weight';
    const poison = new Uint8Array(Float32Array.from({ length: 64 }, () => Number.NaN).buffer);
    for (const bad of [
      changed((t) => t.delete(gain)),
      changed((t) => t.set(gain, { dtype: 'F32', shape: [64], data: poison })),
      changed((t) => t.set(gain, { dtype: 'F32', shape: [8, 8], data: new Uint8Array(256) })),
      changed((t) => t.set('more', { dtype: 'F32', shape: [1], data: new Uint8Array(4) })),
      changed((_, m) => m.set('step', '01')),
      changed((_, m) => m.set('step', '-1')),
      changed((_, m) => m.set('more', '')),
      changed((_, m) => m.set('config', '{}')),
    ]) {
      expect(() => decodeBlock(plan, bad)).toThrow(BlockVersionError);
    }
    expect(() => decodeBlock(blockPlan({ config, layers: [1, 2] }), good)).toThrow(/no block layers.0-1/);
  });
});
