/** What may differ from device to device in how products are computed. It changes speed and never a bit. */
import type { Constants } from '../shader/specialize.ts';

/** A tile of shaders/matmul.tile.wgsl: (4 rows4 lanesM) x (4 cols4 lanesN) outputs a workgroup. */
export interface TileShape {
  /** Fours of rows and of columns that an invocation computes. */
  readonly rows4: number;
  readonly cols4: number;
  /** Invocations along either side; at most 256 together. */
  readonly lanesM: number;
  readonly lanesN: number;
  /** Values of k in workgroup memory at a time: 8, 16, 32 or 64. */
  readonly step: number;
}

/** A workgroup of shaders/matmul.thin.wgsl. */
export interface ThinShape {
  /** Invocations side by side along n. */
  readonly lanesN: number;
  /** Fold blocks that are summed at a time. */
  readonly lanesK: number;
}

/** A workgroup of shaders/matmul.direct.wgsl: rows x (cols lanes) outputs, rows x cols of them an invocation's. */
export interface DirectShape {
  readonly rows: number;
  readonly cols: number;
  readonly lanes: number;
}

export interface Tuning {
  /** For products that have many tiles of it. */
  readonly large: TileShape;
  /** For the others. */
  readonly small: TileShape;
  /** Fewer tiles than this leave much of the device idle. */
  readonly minTiles: number;
  readonly thin: ThinShape;
  /** Instead of tiles, for products with enough workgroups of it, where both operands packed fit the scratch memory. */
  readonly direct?: DirectShape;
  /** Attention's tiles without workgroup memory: on GPUs made of software, where barriers are dear. */
  readonly apart?: boolean;
}

/** Outputs along m and n of one tile. */
export function tileSides(shape: TileShape): readonly [m: number, n: number] {
  return [4 * shape.rows4 * shape.lanesM, 4 * shape.cols4 * shape.lanesN];
}

/** Bytes of workgroup memory that a tile takes; every WebGPU device has 16,384. */
export function tileBytes(shape: TileShape): number {
  const [m, n] = tileSides(shape);
  return 4 * (m + n) * shape.step;
}

export function tileConstants(shape: TileShape): Constants {
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

/** Tiles to try, the cautious one first. */
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

export const THIN_CANDIDATES: readonly ThinShape[] = [
  { lanesN: 16, lanesK: 4 },
  { lanesN: 4, lanesK: 16 },
  { lanesN: 16, lanesK: 16 },
  { lanesN: 32, lanesK: 8 },
  { lanesN: 64, lanesK: 1 },
];

export const MIN_TILES_CANDIDATES: readonly number[] = [32, 128, 512];

export const DIRECT_CANDIDATES: readonly DirectShape[] = [
  { rows: 4, cols: 4, lanes: 64 },
  { rows: 8, cols: 4, lanes: 64 },
  { rows: 8, cols: 8, lanes: 32 },
];

/** Untuned: quick to compile and small enough for anything. */
export const DEFAULT_TUNING: Tuning = {
  large: tile(1, 1, 8, 8, 8),
  small: tile(1, 1, 8, 8, 8),
  minTiles: 32,
  thin: { lanesN: 16, lanesK: 4 },
};

/** For a GPU made of software, where a barrier among invocations costs more than reading memory again (docs/decisions/0008-webgpu-speed.md). */
export const SOFTWARE_TUNING: Tuning = {
  ...DEFAULT_TUNING,
  minTiles: 1,
  thin: { lanesN: 32, lanesK: 1 },
  direct: { rows: 8, cols: 8, lanes: 8 },
  apart: true,
};
