/** onnxruntime-web's native WebGPU provider, operands and product in GPU buffers. */
import * as ort from 'onnxruntime-web/webgpu';
import { matmulModel } from '../onnx-matmul.ts';
import type { Kit } from './kit.ts';

/** `wasm` is the bytes of ort-wasm-simd-threaded.asyncify.wasm, so that nothing is fetched from elsewhere. */
export async function onnxruntimeKit(device: GPUDevice, wasm: Uint8Array): Promise<Kit> {
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = wasm;
  const upload = (values: Float32Array, dims: readonly number[]) => {
    const buffer = device.createBuffer({
      size: values.byteLength,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
    });
    device.queue.writeBuffer(buffer, 0, values.buffer, values.byteOffset, values.byteLength);
    return { buffer, tensor: ort.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims }) };
  };
  return {
    name: `onnxruntime-web ${ort.env.versions.web ?? ''} WebGPU`,
    async prepare({ M, N, K }, { a, b }) {
      const session = await ort.InferenceSession.create(matmulModel(M, N, K), {
        // Given here, because a device put into the environment is ignored by this release.
        executionProviders: [{ name: 'webgpu', device }],
        preferredOutputLocation: 'gpu-buffer',
      });
      const left = upload(a, [M, K]);
      const right = upload(b, [K, N]);
      const once = () => session.run({ a: left.tensor, b: right.tensor });
      return {
        async run(times) {
          for (let i = 0; i < times; i++) (await once()).c?.dispose();
          await device.queue.onSubmittedWorkDone();
        },
        async result() {
          const { c } = await once();
          const values = await c?.getData(true);
          return values instanceof Float32Array ? values : new Float32Array();
        },
        async close() {
          await session.release();
          left.buffer.destroy();
          right.buffer.destroy();
        },
      };
    },
    async close() {},
  };
}
