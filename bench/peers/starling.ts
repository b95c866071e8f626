/** RepOps, operands stored as the model stores them. */
import type { Engine } from '../../compute/engines/engine.ts';
import { canPrepack } from '../../compute/engines/prepacking.ts';
import type { Program } from '../../compute/repops/program.ts';
import { tunedEngine } from '../tuned.ts';
import type { Kit } from './kit.ts';
import { isByWeights, transposed } from './products.ts';

export const PLAIN = 'Starling';
/** With the prepacked copy of b that a session makes of its weights before it generates. */
export const PREPACKED = 'Starling, prepacked';

/** On the WebGPU engine. */
export async function starlingKit(
  name: typeof PLAIN | typeof PREPACKED,
  adapter: GPUAdapter,
  note: (message: string) => void,
): Promise<Kit> {
  return engineKit(name, await tunedEngine(adapter, note));
}

/** On any engine, which the kit stops when it is closed. */
export function engineKit(name: typeof PLAIN | typeof PREPACKED, engine: Engine): Kit {
  return {
    name,
    ...(name === PREPACKED ? { takes: isByWeights } : {}),
    async prepare({ M, N, K, transposeA, transposeB }, { a, b }) {
      const shapes = {
        a: transposeA === 1 ? [K, M] : [M, K],
        b: transposeB === 1 ? [N, K] : [K, N],
        c: [M, N],
      };
      const program: Program = {
        name: `${M}x${N}x${K}`,
        tensors: {
          a: { shape: shapes.a, dtype: 'f32', storage: 'bound' },
          b: { shape: shapes.b, dtype: 'f32', storage: 'bound' },
          c: { shape: shapes.c, dtype: 'f32', storage: 'bound' },
        },
        nodes: [
          {
            op: 'matmul',
            attributes: { M, N, K, transposeA, transposeB },
            inputs: ['a', 'b'],
            outputs: ['c'],
          },
        ],
      };
      const bindings = {
        a: engine.allocate(shapes.a, 'f32'),
        b: engine.allocate(shapes.b, 'f32'),
        c: engine.allocate(shapes.c, 'f32'),
      };
      engine.write(bindings.a, transposeA === 1 ? transposed(a, M, K) : a);
      engine.write(bindings.b, transposeB === 1 ? transposed(b, K, N) : b);
      if (name === PREPACKED && canPrepack(engine)) await engine.prepack(bindings.b);
      // Reading four bytes back waits for everything before it.
      const mark = engine.allocate([1], 'f32');
      return {
        async run(times) {
          for (let i = 0; i < times; i++) await engine.run(program, bindings);
          await engine.read(mark);
        },
        async result() {
          await engine.run(program, bindings);
          const values = await engine.read(bindings.c);
          return values instanceof Float32Array ? values : new Float32Array();
        },
        async close() {
          for (const tensor of [...Object.values(bindings), mark]) engine.free(tensor);
        },
      };
    },
    close: () => engine.stop(),
  };
}
