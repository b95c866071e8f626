import { describe, expect, it } from 'vitest';
import type { Engine } from '../../compute/engines/engine.ts';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { leafHash, verifyInclusion } from '../../protocol/merkle.ts';
import { deviceRoots, openElement } from './device-roots.ts';
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

  it('any element can be opened to somebody who has only the root', async () => {
    const engine = await make();
    const tensor = loaded(engine);
    for (const element of [0, 1023, 1024, 4999]) {
      const opening = await openElement(engine, tensor, element);
      const claim = { ...opening, leaf: leafHash(opening.data), root };
      expect(verifyInclusion(claim)).toBe(true);
      expect(new DataView(opening.data.buffer).getFloat32(opening.offset, true)).toBe(values[element]);
      const altered = opening.data.slice();
      altered[opening.offset] = (altered[opening.offset] ?? 0) ^ 1;
      expect(verifyInclusion({ ...claim, leaf: leafHash(altered) })).toBe(false);
    }
    await expect(openElement(engine, tensor, 5000)).rejects.toThrow(RangeError);
    await engine.stop();
  });
});

it('an engine that hashes wrongly is not asked again', async () => {
  const engine = await createWasmEngine();
  const right = engine.hash.bind(engine);
  let asked = 0;
  engine.hash = async (tensors) => {
    asked += 1;
    return (await right(tensors)).map((hash) => hash.map((byte) => byte ^ 1));
  };
  const tensor = loaded(engine);
  expect(await deviceRoots(engine, [tensor])).toEqual([root]);
  expect(await deviceRoots(engine, [tensor])).toEqual([root]);
  expect(asked).toBe(1);
  await engine.stop();
});
