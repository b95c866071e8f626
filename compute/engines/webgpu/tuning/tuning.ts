/**
 * What may differ from device to device in how products are computed. It changes the speed and never a bit.
 */
import type { ConstantsOf } from '../shader/kernel-interface.ts';

/** A tile of shaders/matmul.tile.wgsl. A workgroup computes (4 rows4 lanesM) x (4 cols4 lanesN) outputs. */
export interface TileShape {
  /** Groups of four rows and of four columns that an invocation computes. */
  readonly rows4: number;
  readonly cols4: number;
  /** Invocations along either side of the workgroup; their product is at most 256. */
  readonly lanesM: number;
  readonly lanesN: number;
  /** Values of k in workgroup memory at a time: 8, 16, 32 or 64. */
  readonly step: number;
}

/** A workgroup of shaders/matmul.gemv.wgsl. */
export interface GemvShape {
  /** Invocations along n. */
  readonly lanesN: number;
  /** Fold blocks of an output that are summed at a time. */
  readonly lanesK: number;
}

/**
 * A workgroup of shaders/matmul.register-tiled.wgsl. It has `lanes` invocations and computes rows x (cols
 * lanes) outputs, rows x cols of them an invocation.
 */
export interface RegisterTileShape {
  readonly rows: number;
  readonly cols: number;
  readonly lanes: number;
}

export interface Tuning {
  /** For products with at least `minTiles` tiles of this shape. */
  readonly large: TileShape;
  /** For the other products. */
  readonly small: TileShape;
  /** Fewer tiles than this leave much of the device idle. */
  readonly minTiles: number;
  /** For products of few rows, such as those of generating a token. */
  readonly gemv: GemvShape;
  /**
   * Tiles in registers, without workgroup memory. They replace the other tiles for products with at least
   * `minTiles` workgroups whose packed operands fit in scratch memory. Defaults to none.
   */
  readonly registerTiled?: RegisterTileShape;
  /**
   * matmul.register-tiled for few rows by a prepacked matrix: the most columns of an invocation, and the
   * invocations of a workgroup. Defaults to none: such products use `gemv`, and no copy.
   */
  readonly fewRows?: Omit<RegisterTileShape, 'rows'>;
  /**
   * Attention's tiles without workgroup memory, for software GPUs, where barriers are slow. Defaults to
   * false.
   */
  readonly noSharedMemory?: boolean;
}

/** Outputs of one tile along m and along n. */
export function tileSides(shape: TileShape): readonly [m: number, n: number] {
  return [4 * shape.rows4 * shape.lanesM, 4 * shape.cols4 * shape.lanesN];
}

/** Bytes of workgroup memory that a tile takes; every WebGPU device has 16,384. */
export function tileBytes(shape: TileShape): number {
  const [m, n] = tileSides(shape);
  return 4 * (m + n) * shape.step;
}

export function tileConstants(shape: TileShape): Partial<ConstantsOf<'matmul.tile'>> {
  return {
    ROWS4: shape.rows4,
    COLS4: shape.cols4,
    LANES_M: shape.lanesM,
    LANES_N: shape.lanesN,
    STEP: shape.step,
  };
}

const tile = (rows4: number, cols4: number, lanesM: number, lanesN: number, step: number): TileShape => ({
  rows4,
  cols4,
  lanesM,
  lanesN,
  step,
});

/** Tiles for the tuner to try, the smallest first. */
export const TILE_CANDIDATES: readonly TileShape[] = [
  tile(1, 1, 8, 8, 8),
  tile(1, 1, 16, 16, 16),
  tile(2, 1, 8, 16, 16),
  tile(2, 2, 8, 8, 16),
  tile(2, 2, 16, 8, 16),
  tile(2, 2, 16, 16, 8),
  tile(2, 2, 16, 16, 16),
  tile(1, 1, 8, 8, 32),
];

export const GEMV_CANDIDATES: readonly GemvShape[] = [
  { lanesN: 16, lanesK: 4 },
  { lanesN: 4, lanesK: 16 },
  { lanesN: 16, lanesK: 16 },
  { lanesN: 32, lanesK: 8 },
  { lanesN: 64, lanesK: 1 },
];

export const MIN_TILES_CANDIDATES: readonly number[] = [32, 128, 512];

export const REGISTER_TILE_CANDIDATES: readonly RegisterTileShape[] = [
  { rows: 4, cols: 4, lanes: 64 },
  { rows: 8, cols: 4, lanes: 64 },
  { rows: 8, cols: 8, lanes: 32 },
];

/** For a device that is not tuned yet: shapes that compile quickly and fit every product. */
export const DEFAULT_TUNING: Tuning = {
  large: tile(1, 1, 8, 8, 8),
  small: tile(1, 1, 8, 8, 8),
  minTiles: 32,
  gemv: { lanesN: 16, lanesK: 4 },
};

/**
 * For a software GPU, where a barrier costs more than reading memory again
 * (docs/decisions/0008-webgpu-speed.md).
 */
export const SOFTWARE_TUNING: Tuning = {
  ...DEFAULT_TUNING,
  minTiles: 1,
  gemv: { lanesN: 32, lanesK: 1 },
  registerTiled: { rows: 8, cols: 8, lanes: 8 },
  fewRows: { cols: 16, lanes: 8 },
  noSharedMemory: true,
};
