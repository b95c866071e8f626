/**
 * What every Engine must do, as tests. The rules stand with their ids in ../engine.ts. An engine calls
 * `describeEngineContract` in a test file of its own. That its operators give the right bits is tested by
 * compute/conformance and by the tests beside each engine.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { must } from '../../../protocol/must.ts';
import { node } from '../../repops/node.ts';
import type { DType, Program, TensorSpec } from '../../repops/program.ts';
import { ProgramError } from '../../repops/program-error.ts';
import { canPace } from '../duty-cycle.ts';
import { type Bindings, type Engine, EngineError, EngineMemoryError, type Tensor } from '../engine.ts';
import { canMeasure } from '../engine-memory.ts';
import { canHash } from '../hashing.ts';
import { canPrepack } from '../prepacking.ts';
import { createReferenceEngine } from '../reference.ts';
import { runProgram } from '../run-program.ts';
import { dtypeOf, type TensorData } from '../tensor-data.ts';
import { describeHashingContract } from './hashing-contract.ts';
import { describePrepackingContract } from './prepacking-contract.ts';

const bound = (shape: readonly number[], dtype: DType = 'f32'): TensorSpec => ({
  shape,
  dtype,
  storage: 'bound',
});
const temporary = (shape: readonly number[]): TensorSpec => ({ shape, dtype: 'f32', storage: 'temporary' });

/** y = 6 * x, by way of temporaries that can share memory. */
function sixfold(len: number): Program {
  const shape = [len];
  return {
    name: 'sixfold',
    tensors: {
      x: bound(shape),
      a: temporary(shape),
      b: temporary(shape),
      c: temporary(shape),
      y: bound(shape),
    },
    nodes: [
      node('add', { len }, ['x', 'x'], ['a']),
      node('add', { len }, ['a', 'a'], ['b']),
      node('add', { len }, ['b', 'x'], ['c']),
      node('add', { len }, ['c', 'x'], ['y']),
    ],
  };
}

/** A chain of products of one matrix with itself, which keeps any engine busy for a while. */
function products(size: number, count: number): Program {
  const names = Array.from({ length: count }, (_, i) => `product ${i}`);
  return {
    name: 'products',
    tensors: {
      a: bound([size, size]),
      ...Object.fromEntries(names.map((name) => [name, temporary([size, size])])),
    },
    nodes: names.map((name, i) =>
      node(
        'matmul',
        { M: size, N: size, K: size, transposeA: 0, transposeB: 0 },
        [i === 0 ? 'a' : must(names, i - 1), 'a'],
        [name],
      ),
    ),
  };
}

const LOOK_UP: Program = {
  name: 'look-up',
  tensors: { ids: bound([3], 'u32'), table: bound([4, 5]), y: bound([3, 5]) },
  nodes: [node('embed', { N: 3, V: 4, D: 5 }, ['ids', 'table'], ['y'])],
};
const TABLE = Float32Array.from({ length: 20 }, (_, i) => i);

const ascending = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => i + 1);
const times = (data: Float32Array, factor: number): Float32Array => data.map((value) => factor * value);

/** What an engine offers besides `Engine`: only these rules among [EN-14] to [EN-17] are tested. */
export interface Offers {
  readonly hashing: boolean;
  readonly pacing: boolean;
  readonly measuring: boolean;
  readonly prepacking: boolean;
}

/** Tests that an engine keeps the rules [EN-01] to [EN-17]. `open` makes a fresh one; the suite stops it. */
export function describeEngineContract(name: string, open: () => Promise<Engine>, offers: Offers): void {
  describe(`${name} as an Engine`, () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine.stop());

    /** A tensor with this content. */
    function put(data: TensorData, shape: readonly number[] = [data.length]): Tensor {
      const tensor = engine.allocate(shape, dtypeOf(data));
      engine.write(tensor, data);
      return tensor;
    }

    const runSixfold = async (x: Float32Array): Promise<TensorData> =>
      must(await runProgram(engine, sixfold(x.length), { x }, ['y']), 0);

    it('says what computes and what it offers', () => {
      expect(engine.kind).toMatch(/^(reference|wasm|webgpu)$/);
      expect(engine.description).not.toBe('');
      const found = {
        hashing: canHash(engine),
        pacing: canPace(engine),
        measuring: canMeasure(engine),
        prepacking: canPrepack(engine),
      };
      expect(found).toEqual(offers);
    });

    describe('tensors', () => {
      it('[EN-01] are zero when new, also where a freed one was', async () => {
        for (const data of [ascending(100), Uint32Array.of(7, 0xffffffff), Uint16Array.of(1, 2, 3)]) {
          engine.free(put(data));
          const tensor = engine.allocate([data.length], dtypeOf(data));
          expect(tensor).toMatchObject({ shape: [data.length], dtype: dtypeOf(data) });
          expect(await engine.read(tensor)).toEqual(data.map(() => 0));
          engine.free(tensor);
        }
      });

      it('[EN-02] copy what is written and what is read', async () => {
        for (const data of [ascending(15), Uint32Array.of(7, 0xffffffff), Uint16Array.of(1, 2, 0xffff)]) {
          const written = data.slice();
          const tensor = put(written);
          written.fill(9);
          (await engine.read(tensor)).fill(8);
          expect(await engine.read(tensor)).toEqual(data);
          engine.free(tensor);
        }
      });

      it('[EN-02] take a part of a larger array', async () => {
        const tensor = put(ascending(10).subarray(3, 7));
        expect(await engine.read(tensor)).toEqual(Float32Array.of(4, 5, 6, 7));
        engine.free(tensor);
      });

      it('[EN-03] refuse data of another length or type', async () => {
        const tensor = put(ascending(6), [2, 3]);
        expect(() => engine.write(tensor, new Float32Array(5))).toThrow(EngineError);
        expect(() => engine.write(tensor, new Float32Array(7))).toThrow(/holds 6 f32/);
        expect(() => engine.write(tensor, new Uint32Array(6))).toThrow(EngineError);
        expect(() => engine.write(tensor, new Uint16Array(6))).toThrow(EngineError);
        expect(await engine.read(tensor)).toEqual(ascending(6));
        engine.free(tensor);
      });

      it('[EN-04] are refused when freed, and by another engine', async () => {
        const freed = engine.allocate([4], 'f32');
        engine.free(freed);
        const other = createReferenceEngine();
        const foreign = other.allocate([4], 'f32');
        const x = engine.allocate([4], 'f32');
        for (const tensor of [freed, foreign]) {
          expect(() => engine.write(tensor, new Float32Array(4))).toThrow(EngineError);
          expect(() => engine.free(tensor)).toThrow(/was freed or belongs to another engine/);
          await expect(engine.read(tensor)).rejects.toThrow(EngineError);
          await expect(engine.run(sixfold(4), { x, y: tensor })).rejects.toThrow(EngineError);
        }
        expect(await other.read(foreign)).toEqual(new Float32Array(4));
        expect(await runSixfold(ascending(4))).toEqual(times(ascending(4), 6));
        engine.free(x);
      });

      it('[EN-05] are refused when the device has no room, and the engine goes on', async () => {
        expect(() => engine.allocate([2 ** 20, 2 ** 20], 'f32')).toThrow(EngineMemoryError);
        expect(await runSixfold(ascending(4))).toEqual(times(ascending(4), 6));
      });

      it('[EN-06] may have no elements', async () => {
        for (const data of [new Float32Array(), new Uint32Array(), new Uint16Array()]) {
          const tensor = put(data, [0, 3]);
          expect(await engine.read(tensor)).toEqual(data);
          engine.free(tensor);
        }
      });
    });

    describe('runs', () => {
      it('[EN-07] refuse a program or bindings that break the rules, and compute nothing', async () => {
        const before = ascending(4);
        const [x, y] = [put(before), put(before)];
        const four = engine.allocate([2, 2], 'u32');
        const five = engine.allocate([5], 'f32');
        const good = sixfold(4);
        const unknown = { ...must(good.nodes, 3), op: 'divide' } as unknown as Program['nodes'][number];
        const late = { ...good, nodes: [...good.nodes.slice(0, 3), unknown] };
        const wrong = { ...good, nodes: [node('add', { len: 3 }, ['x', 'x'], ['y'])] };
        for (const program of [late, wrong]) {
          await expect(engine.run(program, { x, y })).rejects.toThrow(ProgramError);
        }
        const misfits: Bindings[] = [{ x }, { x, y: four }, { x, y: five }, { x, y: x }];
        for (const bindings of misfits) {
          await expect(engine.run(good, bindings)).rejects.toThrow(ProgramError);
        }
        for (const tensor of [x, y]) expect(await engine.read(tensor)).toEqual(before);
        await engine.run(good, { x, y, other: five });
        expect(await engine.read(y)).toEqual(times(before, 6));
        for (const tensor of [x, y, four, five]) engine.free(tensor);
      });

      it('[EN-08][RO-69] refuse an index out of range and go on', async () => {
        const [ids, table] = [put(Uint32Array.of(0, 4, 1)), put(TABLE, [4, 5])];
        const y = engine.allocate([3, 5], 'f32');
        await expect(engine.run(LOOK_UP, { ids, table, y })).rejects.toThrow(ProgramError);
        await expect(engine.run(LOOK_UP, { ids, table, y })).rejects.toThrow(/embed.*index.*out of range/);
        engine.write(ids, Uint32Array.of(3, 0, 1));
        await engine.run(LOOK_UP, { ids, table, y });
        expect(await engine.read(y)).toEqual(
          Float32Array.of(15, 16, 17, 18, 19, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
        );
        for (const tensor of [ids, table, y]) engine.free(tensor);
      });

      it('[EN-09] depend on the program and the bound tensors alone', async () => {
        for (const len of [100, 5000, 100]) {
          const x = ascending(len);
          expect(await runSixfold(x)).toEqual(times(x, 6));
        }
        const program = sixfold(4);
        const [x, y, z] = [put(ascending(4)), put(ascending(4)), put(ascending(4))];
        await engine.run(program, { x, y });
        await engine.run(program, { x: y, y: z });
        await engine.run(program, { x: y, y: z });
        expect(await engine.read(z)).toEqual(times(ascending(4), 36));
        expect(await engine.read(x)).toEqual(ascending(4));
        for (const tensor of [x, y, z]) engine.free(tensor);
      });

      it('[EN-09] do not depend on the order of attributes', async () => {
        const shuffled: Program = {
          ...LOOK_UP,
          nodes: [node('embed', { D: 5, N: 3, V: 4 }, ['ids', 'table'], ['y'])],
        };
        const data = { ids: Uint32Array.of(3, 0, 1), table: TABLE };
        expect(await runProgram(engine, shuffled, data, ['y'])).toEqual([
          Float32Array.of(15, 16, 17, 18, 19, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
        ]);
      });

      it('[EN-10] work in place where the operator does, and leave other tensors alone', async () => {
        const program: Program = {
          name: 'in place',
          tensors: {
            x: bound([4]),
            b: bound([4]),
            cache: bound([4, 2]),
            row: bound([1, 2]),
            at: bound([1], 'u32'),
          },
          nodes: [
            node('add', { len: 4 }, ['x', 'b'], ['x']),
            node('add', { len: 4 }, ['x', 'b'], ['x']),
            node('cache.write', { B: 1, Tk: 4, D: 2 }, ['cache', 'row', 'at'], ['cache']),
          ],
        };
        const data = {
          x: ascending(4),
          b: Float32Array.of(10, 20, 30, 40),
          cache: ascending(8),
          row: Float32Array.of(-1, -2),
          at: Uint32Array.of(2),
        };
        expect(await runProgram(engine, program, data, ['x', 'b', 'cache', 'row', 'at'])).toEqual([
          Float32Array.of(21, 42, 63, 84),
          data.b,
          Float32Array.of(1, 2, 3, 4, -1, -2, 7, 8),
          data.row,
          data.at,
        ]);
      });

      it('[EN-10] refuse a place that the operator does not work in', async () => {
        const x = put(ascending(4));
        const program: Program = {
          name: 'second operand in place',
          tensors: { x: bound([4]), b: bound([4]) },
          nodes: [node('add', { len: 4 }, ['b', 'x'], ['x'])],
        };
        const b = put(ascending(4));
        await expect(engine.run(program, { x, b })).rejects.toThrow(ProgramError);
        expect(await engine.read(x)).toEqual(ascending(4));
        for (const tensor of [x, b]) engine.free(tensor);
      });

      it('[EN-11] do not start when the signal is aborted already', async () => {
        const [x, y] = [put(ascending(4)), put(ascending(4))];
        const signal = AbortSignal.abort(new Error('enough'));
        await expect(engine.run(sixfold(4), { x, y }, { signal })).rejects.toThrow('enough');
        expect(await engine.read(y)).toEqual(ascending(4));
        for (const tensor of [x, y]) engine.free(tensor);
      });

      it('[EN-11] end with the reason or finish when the signal is aborted meanwhile', async () => {
        const a = engine.allocate([64, 64], 'f32');
        const controller = new AbortController();
        const run = engine.run(products(64, 40), { a }, { signal: controller.signal });
        const ended = run.then(
          () => 'finished',
          (error: unknown) => error,
        );
        controller.abort(new Error('enough'));
        expect(['finished', controller.signal.reason]).toContainEqual(await ended);
        expect(await runSixfold(ascending(4))).toEqual(times(ascending(4), 6));
        engine.free(a);
      });

      it('[EN-12] refuse a second one meanwhile or compute both', async () => {
        const [x, y, z] = [put(ascending(64)), put(ascending(64)), put(ascending(64))];
        const program = sixfold(64);
        const ends = await Promise.allSettled([
          engine.run(program, { x, y }),
          engine.run(program, { x, y: z }),
        ]);
        expect(must(ends, 0).status).toBe('fulfilled');
        expect(await engine.read(y)).toEqual(times(ascending(64), 6));
        const second = must(ends, 1);
        if (second.status === 'rejected') expect(second.reason).toBeInstanceOf(EngineError);
        expect(await engine.read(z)).toEqual(times(ascending(64), second.status === 'rejected' ? 1 : 6));
        for (const tensor of [x, y, z]) engine.free(tensor);
      });
    });

    it('[EN-13] answers nothing once stopped, however often', async () => {
      const stopped = await open();
      const x = stopped.allocate([4], 'f32');
      await stopped.stop();
      await stopped.stop();
      for (const use of [
        () => stopped.allocate([1], 'f32'),
        () => stopped.write(x, new Float32Array(4)),
        () => stopped.free(x),
      ]) {
        expect(use).toThrow(EngineError);
        expect(use).toThrow(/was stopped/);
      }
      await expect(stopped.read(x)).rejects.toThrow(/was stopped/);
      await expect(stopped.run(sixfold(4), { x, y: x })).rejects.toThrow(/was stopped/);
      await expect(stopped.run({ name: 'nothing', tensors: {}, nodes: [] }, {})).rejects.toThrow(EngineError);
      if (canHash(stopped)) {
        await expect(stopped.hash([x])).rejects.toThrow(/was stopped/);
        await expect(stopped.leafHashes(x)).rejects.toThrow(/was stopped/);
        await expect(stopped.readLeaf(x, 0)).rejects.toThrow(/was stopped/);
      }
      if (canPrepack(stopped)) await expect(stopped.prepack(x)).rejects.toThrow(/was stopped/);
    });

    if (offers.hashing) describeHashingContract(() => engine);

    if (offers.prepacking) describePrepackingContract(() => engine);

    if (offers.pacing) {
      it('[EN-15] gives the same bits at any share of the device', async () => {
        if (!canPace(engine)) throw new TypeError(`${engine.kind} cannot be paced`);
        const paced = engine;
        for (const share of [0, 0.09, 1.1, Number.NaN]) {
          expect(() => paced.setShare(share)).toThrow(RangeError);
        }
        paced.setShare(0.5);
        expect(await runSixfold(ascending(5000))).toEqual(times(ascending(5000), 6));
        paced.setShare(1);
      });
    }

    if (offers.measuring) {
      it('[EN-16] counts the bytes of tensors and predicts without allocating', () => {
        if (!canMeasure(engine)) throw new TypeError(`${engine.kind} does not measure`);
        const before = engine.memory().tensors;
        const tensor = engine.allocate([1000], 'f32');
        expect(engine.memory().tensors).toBe(before + 4000);
        expect(engine.predict(sixfold(1000))).toMatchObject({ tensors: 8000 });
        expect(engine.predict(sixfold(1000)).temporaries).toBeGreaterThanOrEqual(2 * 4000);
        expect(engine.memory().tensors).toBe(before + 4000);
        engine.free(tensor);
        expect(engine.memory().tensors).toBe(before);
        expect(engine.memory().peak).toBeGreaterThanOrEqual(before + 4000);
      });
    }
  });
}
