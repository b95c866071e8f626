import type { Product } from './products.ts';

/**
 * Operands in plain layout, a [M, K] and b [K, N]; whoever holds them otherwise turns them before the clock
 * starts.
 */
export interface Operands {
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/** A product whose operands are on the device already. */
export interface PreparedProduct {
  /** Computes the product `times` times, one after another, and waits until the device is done. */
  run(times: number): Promise<void>;
  /** The product, [M, N] row after row. */
  result(): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Something that multiplies matrices on a GPU. */
export interface Kit {
  /** With its version. */
  readonly name: string;
  /** Whether it takes part with a product. Defaults to every product. */
  takes?(product: Product): boolean;
  prepare(product: Product, operands: Operands): Promise<PreparedProduct>;
  close(): Promise<void>;
}
