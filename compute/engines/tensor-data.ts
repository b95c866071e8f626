/** Elements of a tensor on the host, and which typed array stands for which dtype. */
import type { DType } from '../repops/program.ts';

/** Float32Array for f32, Uint32Array for u32, Uint16Array for bf16. */
export type TensorData = Float32Array | Uint32Array | Uint16Array;

/** The dtype that an array holds. */
export function dtypeOf(data: TensorData): DType {
  if (data instanceof Float32Array) return 'f32';
  return data instanceof Uint32Array ? 'u32' : 'bf16';
}

/** `length` elements in `buffer` from byte `offset`, not copied. */
export function viewAs(dtype: DType, buffer: ArrayBufferLike, offset: number, length: number): TensorData {
  if (dtype === 'f32') return new Float32Array(buffer, offset, length);
  return dtype === 'u32' ? new Uint32Array(buffer, offset, length) : new Uint16Array(buffer, offset, length);
}

/** `length` elements, all zero. */
export function zeros(dtype: DType, length: number): TensorData {
  if (dtype === 'f32') return new Float32Array(length);
  return dtype === 'u32' ? new Uint32Array(length) : new Uint16Array(length);
}

/** Throws unless `data` are of the tensor's dtype and length; `error` makes the error from a sentence. */
export function checkData(
  tensor: { readonly dtype: DType; readonly length: number },
  data: TensorData,
  error: (message: string) => Error,
): void {
  if (data.length === tensor.length && dtypeOf(data) === tensor.dtype) return;
  throw error(
    `write: the tensor holds ${tensor.length} ${tensor.dtype}, the data are ${data.length} in a ${data.constructor.name}.`,
  );
}
