import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SHADERS } from '../../generated/shaders.ts';
import type { OperatorName } from '../../repops/operators.ts';
import type { Attributes, Program, TensorSpec } from '../../repops/program.ts';
import { DeviceLostError } from '../engine.ts';
import { openDevice } from './device/adapter.ts';
import { openDawnAdapter, SWIFTSHADER_ICD } from './device/dawn.ts';
import { createWebGpuEngine, openWebGpuEngine, type WebGpuEngine } from './engine.ts';

const bound = (...shape: number[]): TensorSpec => ({ shape, dtype: 'f32', storage: 'bound' });
const temporary = (...shape: number[]): TensorSpec => ({ shape, dtype: 'f32', storage: 'temporary' });
const node = (op: OperatorName, attributes: Attributes, inputs: string[], outputs: string[]) => ({
  op,
  attributes,
  inputs,
  outputs,
});

function bytesInUse(engine: WebGpuEngine): number {
  const { tensors, temporaries } = engine.memory();
  return tensors + temporaries;
}

/** y = x + x * 4 by way of temporaries that can share memory. */
function chain(len: number): Program {
  return {
    name: 'chain',
    tensors: { x: bound(len), a: temporary(len), b: temporary(len), c: temporary(len), y: bound(len) },
    nodes: [
      node('add', { len }, ['x', 'x'], ['a']),
      node('add', { len }, ['a', 'a'], ['b']),
      node('add', { len }, ['b', 'x'], ['c']),
      node('add', { len }, ['c', 'x'], ['y']),
    ],
  };
}

describe.skipIf(!existsSync(SWIFTSHADER_ICD))('the WebGPU engine on Dawn and SwiftShader', () => {
  process.env.XDG_RUNTIME_DIR ??= tmpdir();
  // A collected instance takes its devices with it.
  const instances: GPU[] = [];
  let engine: WebGpuEngine;

  async function adapter(): Promise<GPUAdapter> {
    const opened = await openDawnAdapter({ vulkanDriver: SWIFTSHADER_ICD });
    instances.push(opened.gpu);
    return opened.adapter;
  }

  beforeAll(async () => {
    engine = await openWebGpuEngine(await adapter());
  });
  afterAll(() => engine.stop());

  it('says what computes', () => {
    expect(engine.kind).toBe('webgpu');
    expect(engine.description).toMatch(/^WebGPU, .*swiftshader/i);
  });

  it('keeps temporaries apart while they are needed, and shares their memory afterwards', async () => {
    const program = chain(1000);
    const [x, y] = [engine.allocate([1000], 'f32'), engine.allocate([1000], 'f32')];
    engine.write(
      x,
      Float32Array.from({ length: 1000 }, (_, i) => i),
    );
    const before = bytesInUse(engine);
    await engine.run(program, { x, y });
    expect(await engine.read(y)).toEqual(Float32Array.from({ length: 1000 }, (_, i) => 6 * i));
    expect(bytesInUse(engine) - before).toBeLessThanOrEqual(2 * 4000);
    // A second program takes the same slots.
    const after = bytesInUse(engine);
    await engine.run(chain(1000), { x, y });
    expect(bytesInUse(engine)).toBe(after);
    engine.free(x);
    engine.free(y);
  });

  it('runs one program on other tensors, more sets than it caches', async () => {
    const program = chain(4);
    for (let i = 0; i < 12; i++) {
      const [x, y] = [engine.allocate([4], 'f32'), engine.allocate([4], 'f32')];
      engine.write(x, new Float32Array(4).fill(i));
      await engine.run(program, { x, y });
      expect(await engine.read(y)).toEqual(new Float32Array(4).fill(6 * i));
      engine.free(x);
      engine.free(y);
    }
  });

  it('covers more elements than one direction of a dispatch has workgroups', async () => {
    const len = 65_535 * 64 + 77;
    const program: Program = {
      name: 'large',
      tensors: { x: bound(len), y: bound(len) },
      nodes: [node('add', { len }, ['x', 'x'], ['y'])],
    };
    const [x, y] = [engine.allocate([len], 'f32'), engine.allocate([len], 'f32')];
    engine.write(
      x,
      Float32Array.from({ length: len }, (_, i) => i % 1009),
    );
    await engine.run(program, { x, y });
    const result = await engine.read(y);
    let wrong = 0;
    for (let i = 0; i < len; i++) if (result[i] !== 2 * (i % 1009)) wrong++;
    expect(wrong).toBe(0);
    engine.free(x);
    engine.free(y);
  });

  it('reports a kernel that the driver refuses, by name', async () => {
    const broken = await openWebGpuEngine(await adapter(), { shaders: { ...SHADERS, add: 'fn main( {' } });
    const [x, y] = [broken.allocate([4], 'f32'), broken.allocate([4], 'f32')];
    await expect(broken.run(chain(4), { x, y })).rejects.toThrow(/kernel add/);
    await broken.stop();
  });

  it('rejects what is pending and all that follows when the device is lost', async () => {
    const device = await openDevice(await adapter());
    const losing = createWebGpuEngine({ device });
    const [x, y] = [losing.allocate([4], 'f32'), losing.allocate([4], 'f32')];
    await losing.run(chain(4), { x, y });
    // What a driver reset does, as far as a program can tell.
    device.destroy();
    await expect(losing.read(y)).rejects.toThrow(DeviceLostError);
    await expect(losing.run(chain(4), { x, y })).rejects.toThrow(DeviceLostError);
    expect(() => losing.allocate([1], 'f32')).toThrow(/checkpoint/);
    await losing.stop();
  });
});
