/** TensorFlow.js on WebGPU. */

import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Kit } from './kit.ts';

export async function tfjsKit(device: GPUDevice, info: GPUAdapterInfo): Promise<Kit> {
  const backend = new WebGPUBackend(device, info);
  // Its kernels are registered for this name; the backend that it makes by itself has fewer of the adapter's
  // limits.
  tf.removeBackend('webgpu');
  tf.registerBackend('webgpu', () => backend);
  await tf.setBackend('webgpu');
  return {
    name: `TensorFlow.js ${tf.version_core} WebGPU`,
    async prepare({ M, N, K }, { a, b }) {
      const left = tf.tensor2d(a, [M, K]);
      const right = tf.tensor2d(b, [K, N]);
      return {
        async run(times) {
          for (let i = 0; i < times; i++) tf.matMul(left, right).dispose();
          // Without this the commands are invalid and nothing is computed.
          backend.endComputePassEncoder();
          backend.submitQueue();
          await device.queue.onSubmittedWorkDone();
        },
        async result() {
          const product = tf.matMul(left, right);
          const values = await product.data();
          product.dispose();
          return values;
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
