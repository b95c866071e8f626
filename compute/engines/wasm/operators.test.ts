import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { takesBf16 } from '../../repops/operands.ts';
import { OPERATOR_NAMES } from '../../repops/operators.ts';
import type { Attributes } from '../../repops/program.ts';
import type { Engine } from '../engine.ts';
import { createReferenceEngine } from '../reference.ts';
import { runOperator } from '../run-program.ts';
import type { TensorData } from '../tensor-data.ts';
import { ATTRIBUTES, FLAVOURS, operatorCase } from '../testing/operator-cases.ts';
import { createWasmEngine } from './engine.ts';

/** "output 0 at 17: 3f800000 is not 3f800001", or undefined. */
function firstDifference(expected: TensorData, actual: TensorData): string | undefined {
  const bits = (data: TensorData): Uint32Array => new Uint32Array(data.buffer, data.byteOffset, data.length);
  const [want, got] = [bits(expected), bits(actual)];
  const at = want.findIndex((word, i) => word !== got[i]);
  if (at === -1) return undefined;
  const hex = (word: number | undefined): string =>
    word === undefined ? 'nothing' : word.toString(16).padStart(8, '0');
  const count = want.reduce((n, word, i) => n + (word === got[i] ? 0 : 1), 0);
  return `at ${at}: ${hex(got[at])} should be ${hex(want[at])}; ${count} of ${want.length} differ`;
}

describe('[RO-1] every operator gives the reference bits on 1, 2 and 4 threads', () => {
  const reference = createReferenceEngine();
  const engines: Engine[] = [];
  beforeAll(async () => {
    for (const threads of [1, 2, 4])
      engines.push(await createWasmEngine({ threads, alwaysAllThreads: true }));
    expect(engines.map((engine) => engine.description)).toEqual([
      'wasm SIMD',
      'wasm SIMD, 2 threads',
      'wasm SIMD, 4 threads',
    ]);
  });
  afterAll(async () => {
    for (const engine of engines) await engine.stop();
  });

  test.each(OPERATOR_NAMES)('%s', async (op) => {
    const differences: string[] = [];
    const sets: readonly Attributes[] = ATTRIBUTES[op];
    for (const [index, attributes] of sets.entries()) {
      // The reference takes seconds for a long fold; its order is the same whatever the values.
      const long = (attributes.K ?? 0) > 5000;
      for (const flavour of long ? (['spread'] as const) : FLAVOURS) {
        const halves = takesBf16(op) && flavour === 'spread' ? [false, true] : [false];
        for (const bf16 of halves) {
          const drawn = operatorCase(op, attributes, { flavour, seed: 1000 * index + 7, bf16 });
          const expected = await runOperator(reference, drawn.program, drawn.data);
          for (const engine of engines) {
            const actual = await runOperator(engine, drawn.program, drawn.data);
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
