/** jax-js on WebGPU. */
import { blockUntilReady, defaultDevice, init, numpy as np } from '@jax-js/jax';
import type { Kit } from './kit.ts';

/** `version` is the installed package's. */
export async function jaxKit(version: string): Promise<Kit> {
  const devices = await init('webgpu');
  if (!devices.includes('webgpu')) throw new Error('jax-js finds no WebGPU here');
  defaultDevice('webgpu');
  return {
    name: `jax-js ${version} WebGPU`,
    async prepare({ M, N, K }, { a, b }) {
      const left = np.array(a, { shape: [M, K] });
      const right = np.array(b, { shape: [K, N] });
      await blockUntilReady([left, right]);
      // An operation uses its arguments up; `.ref` keeps them.
      const once = () => np.matmul(left.ref, right.ref);
      return {
        async run(times) {
          const products = Array.from({ length: times }, once);
          await blockUntilReady(products);
          for (const product of products) product.dispose();
        },
        async result() {
          const values = await once().data();
          return values instanceof Float32Array ? values : new Float32Array();
        },
        async close() {
          left.dispose();
          right.dispose();
        },
      };
    },
    async close() {},
  };
}
