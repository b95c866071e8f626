/** The steps that make the prepacked copy of a matrix (assembly/prepacked.ts). */
import { type DType, elementBytes } from '../../repops/program.ts';
import { Opcode } from './assembly/opcodes.ts';
import type { AddressSlot, Plan } from './plan.ts';

/** The name under which the plan takes the matrix. */
export const MATRIX = 'matrix';

/** Columns of a panel; the copy is padded to whole panels. */
const LANES = 8;
/** About how many elements a step takes: a millisecond of one thread, between two looks at the clock. */
const STEP_ELEMENTS = 2 ** 19;

/** Bytes of the copy of a matrix [N, K]. */
export function prepackedBytes(N: number, K: number): number {
  return Math.ceil(N / LANES) * LANES * K * 2;
}

/** Makes the copy of a matrix [N, K] of `dtype` at `address`. */
export function prepackPlan(o: {
  readonly N: number;
  readonly K: number;
  readonly dtype: DType;
  readonly address: number;
}): Plan {
  const { N, K, dtype, address } = o;
  const columns = Math.max(1, Math.floor(STEP_ELEMENTS / (LANES * K))) * LANES;
  const code: number[] = [];
  const starts: number[] = [];
  const slots: AddressSlot[] = [];
  for (let first = 0; first < N; first += columns) {
    starts.push(code.length);
    const count = Math.min(columns, N - first);
    slots.push({ index: code.length + 1, bytes: first * K * elementBytes(dtype) });
    code.push(Opcode.Prepack, 0, address + first * K * 2, count, K, dtype === 'bf16' ? 1 : 0);
  }
  return {
    code: Int32Array.from(code),
    starts,
    nodes: [],
    bound: new Map([[MATRIX, slots]]),
    prepacked: [],
    written: [],
    arena: [],
    arenaBytes: 0,
    small: N * K < STEP_ELEMENTS / 4,
  };
}
