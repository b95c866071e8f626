/** The contest itself, wherever there is a GPU: results compared, then times taken in turns. */

import { median } from '../median.ts';
import type { Kit, Operands, PreparedProduct } from './kit.ts';
import { operand, type Product } from './products.ts';

export interface ContestOptions {
  readonly products: readonly Product[];
  readonly kits: readonly Kit[];
  /** Turns of each kit that count. */
  readonly rounds: number;
  /** A turn has as many runs as fill this time, at least one. */
  readonly turnMs: number;
  /**
   * Before each turn, for threads of the one before that wait by spinning to fall asleep; none unless given.
   */
  readonly restMs?: number;
  readonly now?: () => number;
}

export interface ContestResult {
  readonly product: string;
  /** By kit: GFLOP/s of the median turn; or why there is none. */
  readonly rates: Readonly<Record<string, { readonly gflops: number } | { readonly refused: string }>>;
}

/** Most runs in one turn: a queue of thousands of products would only measure the queue. */
const MOST_RUNS = 200;

/**
 * One result a product, as it comes. A kit whose product is not right is left out with a sentence: some
 * elements are worked out here, and all must be the first right kit's to the last bit.
 */
export async function* contest(options: ContestOptions): AsyncIterable<ContestResult> {
  const { products, kits, rounds, turnMs, restMs = 0, now = () => performance.now() } = options;
  for (const product of products) {
    const { M, N, K } = product;
    const operands = { a: operand(M, K, 1), b: operand(K, N, 2) };
    const rates: Record<string, { gflops: number } | { refused: string }> = {};
    const entered: { kit: Kit; prepared: PreparedProduct; runs: number; turns: number[] }[] = [];
    let expected: Float32Array | undefined;
    for (const kit of kits) {
      if (kit.takes?.(product) === false) continue;
      try {
        const prepared = await kit.prepare(product, operands);
        const result = await prepared.result();
        const wrong = wrongElement(product, operands, result) ?? firstDifference(expected ?? result, result);
        if (wrong !== undefined) {
          rates[kit.name] = { refused: `its product differs: ${wrong}` };
          await prepared.close();
          continue;
        }
        expected ??= result;
        // The result was the warm-up; this run chooses how many fill a turn.
        const start = now();
        await prepared.run(1);
        const runs = Math.min(MOST_RUNS, Math.max(1, Math.round(turnMs / Math.max(0.01, now() - start))));
        entered.push({ kit, prepared, runs, turns: [] });
      } catch (error) {
        rates[kit.name] = { refused: error instanceof Error ? error.message.slice(0, 300) : String(error) };
      }
    }
    for (let round = 0; round < rounds; round++) {
      for (const { prepared, runs, turns } of entered) {
        if (restMs > 0) {
          await new Promise((resolve) => setTimeout(resolve, restMs));
          // Wakes its own.
          await prepared.run(1);
        }
        const start = now();
        await prepared.run(runs);
        turns.push((now() - start) / runs);
      }
    }
    for (const { kit, prepared, turns } of entered) {
      rates[kit.name] = { gflops: (2 * M * N * K) / median(turns) / 1e6 };
      await prepared.close();
    }
    yield { product: `${product.name}/${M}x${N}x${K}`, rates };
  }
}

function firstDifference(expected: Float32Array, result: Float32Array): string | undefined {
  const at = expected.findIndex((value, i) => value !== result[i]);
  return at < 0 ? undefined : `${result[at]} instead of ${expected[at]} at ${at}`;
}

/** Elements that are worked out in plain loops, spread over the product. */
const CHECKED = 64;

function wrongElement({ M, N, K }: Product, { a, b }: Operands, result: Float32Array): string | undefined {
  const size = M * N;
  if (result.length !== size) return `${result.length} values instead of ${size}`;
  for (let i = 0; i < CHECKED; i++) {
    const at = Math.floor((i * (size - 1)) / (CHECKED - 1));
    const [m, n] = [Math.floor(at / N), at % N];
    let sum = 0;
    for (let k = 0; k < K; k++) sum += (a[m * K + k] ?? 0) * (b[k * N + n] ?? 0);
    if (result[at] !== sum) return `${result[at]} instead of ${sum} at ${at}`;
  }
  return undefined;
}
