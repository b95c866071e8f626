import { describe, expect, it } from 'vitest';
import type { Engine } from '../../compute/engines/engine.ts';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { deviceRoots } from './device-roots.ts';
import { tensorRoot } from './root.ts';

const values = Float32Array.from({ length: 5000 }, (_, i) => Math.fround(Math.sin(i)));
const root = tensorRoot(new Uint8Array(values.buffer));

function loaded(engine: Engine) {
  const tensor = engine.allocate([50, 100], 'f32');
  engine.write(tensor, values);
  return tensor;
}

describe.each([
  ['an engine that hashes', () => createWasmEngine()],
  ['an engine that does not', async () => createReferenceEngine()],
])('on %s', (_name, make: () => Promise<Engine>) => {
  it('roots are those of the bytes', async () => {
    const engine = await make();
    const tensor = loaded(engine);
    expect(await deviceRoots(engine, [tensor, tensor])).toEqual([root, root]);
    await engine.stop();
  });
});

it('an engine that hashes wrongly is tried only once', async () => {
  const engine = await createWasmEngine();
  const right = engine.hash.bind(engine);
  let calls = 0;
  engine.hash = async (tensors) => {
    calls += 1;
    return (await right(tensors)).map((hash) => hash.map((byte) => byte ^ 1));
  };
  const tensor = loaded(engine);
  expect(await deviceRoots(engine, [tensor])).toEqual([root]);
  expect(await deviceRoots(engine, [tensor])).toEqual([root]);
  expect(calls).toBe(1);
  await engine.stop();
});
