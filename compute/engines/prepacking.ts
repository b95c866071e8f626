/** Copies of matrices in the layout that an engine's products read fastest. */
import { type Engine, EngineError, type RunOptions, type Tensor } from './engine.ts';

/**
 * An engine that can keep a second copy of a matrix, rounded to the operand lattice and laid out as its
 * products read it. The copy takes two bytes an element and makes `matmul` with transposeB faster, most of
 * all for one row. It pays when many products take the same matrix: the frozen weights of a model that
 * generates. No bit depends on it.
 */
export interface PrepackingEngine extends Engine {
  /**
   * Makes the copy of a matrix [N, K], f32 or bf16, that products with transposeB = 1 take as `b`. Later runs
   * use it until the tensor is written or freed, which drops it. Does nothing when there is one. The caller
   * awaits it before the next run, and runs before it. Throws EngineError unless the tensor has two
   * dimensions, and EngineMemoryError if the device has no room; the tensor can be used as before then.
   */
  prepack(matrix: Tensor, options?: RunOptions): Promise<void>;
}

/** Whether an engine can keep prepacked copies. */
export function canPrepack(engine: Engine): engine is PrepackingEngine {
  return 'prepack' in engine;
}

/**
 * N and K of a matrix to prepack, or undefined if it has no elements. Throws EngineError for other tensors.
 */
export function matrixSides({
  shape,
  dtype,
}: Tensor): { readonly N: number; readonly K: number } | undefined {
  const [N, K] = shape;
  if (shape.length !== 2 || N === undefined || K === undefined || dtype === 'u32') {
    throw new EngineError(`Only a matrix of f32 or bf16 can be prepacked, not ${dtype} [${shape}].`);
  }
  return N === 0 || K === 0 ? undefined : { N, K };
}

/** Most bytes that the copy of a matrix [N, K] takes on any engine, which pad it to whole panels or words. */
export function prepackedBytes(N: number, K: number): number {
  return 2 * Math.ceil(N / 8) * 8 * Math.ceil(K / 2) * 2;
}
