import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OperatorName } from '../../repops/operators.ts';
import type { Engine } from '../engine.ts';
import { createReferenceEngine } from '../reference.ts';
import type { TensorData } from '../tensor-data.ts';
import { createWasmEngine } from './engine.ts';
import { ATTRIBUTES, FLAVOURS, type OperatorCase, operatorCase, takesBf16 } from './operator-cases.ts';

async function outputsOn(engine: Engine, drawn: OperatorCase): Promise<TensorData[]> {
  const bindings = Object.fromEntries(
    Object.entries(drawn.program.tensors).map(([name, { shape, dtype }]) => [
      name,
      engine.allocate(shape, dtype),
    ]),
  );
  for (const [name, data] of Object.entries(drawn.data)) engine.write(bindings[name]!, data);
  await engine.run(drawn.program, bindings);
  const results = await Promise.all(drawn.outputs.map((name) => engine.read(bindings[name]!)));
  for (const tensor of Object.values(bindings)) engine.free(tensor);
  return results;
}

/** "output 0 at 17: 3f800000 is not 3f800001", or undefined. */
function firstDifference(expected: TensorData, actual: TensorData): string | undefined {
  const bits = (data: TensorData): Uint32Array => new Uint32Array(data.buffer, data.byteOffset, data.length);
  const [want, got] = [bits(expected), bits(actual)];
  const at = want.findIndex((word, i) => word !== got[i]);
  if (at === -1) return undefined;
  const hex = (word: number | undefined): string => (word ?? 0).toString(16).padStart(8, '0');
  const count = want.reduce((n, word, i) => n + (word === got[i] ? 0 : 1), 0);
  return `at ${at}: ${hex(got[at])} should be ${hex(want[at])}; ${count} of ${want.length} differ`;
}

describe('every operator gives the reference bits on 1, 2 and 4 threads', () => {
  const reference = createReferenceEngine();
  const engines: Engine[] = [];
  beforeAll(async () => {
    for (const threads of [1, 2, 4]) engines.push(await createWasmEngine({ threads, together: true }));
    expect(engines.map((engine) => engine.description)).toEqual([
      'wasm SIMD',
      'wasm SIMD, 2 threads',
      'wasm SIMD, 4 threads',
    ]);
  });
  afterAll(async () => {
    for (const engine of engines) await engine.stop();
  });

  test.each(Object.keys(ATTRIBUTES) as OperatorName[])('%s', { timeout: 60_000 }, async (op) => {
    const differences: string[] = [];
    for (const [index, attributes] of ATTRIBUTES[op].entries()) {
      // The reference takes seconds for a long fold; its order is the same whatever the values.
      for (const flavour of (attributes.K ?? 0) > 5000 ? (['spread'] as const) : FLAVOURS) {
        const halves = takesBf16(op) && flavour === 'spread' ? [false, true] : [false];
        for (const bf16 of halves) {
          const drawn = operatorCase(op, attributes, flavour, 1000 * index + 7, { bf16 });
          const expected = await outputsOn(reference, drawn);
          for (const engine of engines) {
            const actual = await outputsOn(engine, drawn);
            for (const [i, want] of expected.entries()) {
              const difference = firstDifference(want, actual[i]!);
              if (difference !== undefined) {
                differences.push(`${engine.description}, ${drawn.title}, output ${i}: ${difference}`);
              }
            }
          }
        }
      }
    }
    expect(differences.slice(0, 5)).toEqual([]);
  });
});
