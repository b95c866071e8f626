//! import attention-rows
//! import workgroups
// out[d] of a query row: canon(lattice fold over the visible j of scores_j * x_jd), times the row's r in mode
// 0 (x is the values, out the output) or times scale in mode 1 (x is the keys, out the gradient of q); one
// workgroup a tile. Entry `split` is for few rows and many keys: it leaves the sum of each fold block in
// out[block, line, d], and attention.combine adds them.

@group(0) @binding(0) var<uniform> params: AttentionParams;
@group(0) @binding(1) var<storage, read> scores: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> positions: array<u32>;
@group(0) @binding(4) var<storage, read> stats: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;

// Whether the scores are on the lattice.
const ROUNDED = 0u;

// Of each of the lane's rows: its first score, and how many keys it sees.
var<private> left_scores: vec4<u32>;
var<private> left_seen: vec4<u32>;

fn start_rows(corner: TileCorner, lines: u32, lane: u32) {
  start_tile(corner, lane);
  let first = corner.m + left_row(lane, false);
//# for i in 4
  left_scores[$i] = (corner.unit * lines + first + $iu) * params.keys;
  left_seen[$i] = 0u;
  if (left[$i] != NO_LINE) {
    left_seen[$i] = keys_seen(params, positions[row_of(params, unit, first + $iu)]);
  }
//# end
}

fn left_at(product: u32, i: u32, j: u32) -> f32 {
  let sees = j < left_seen[i];
  let score = scores[select(0u, left_scores[i] + j, sees)];
//# if ROUNDED
  return select(0.0, score, sees);
//# else
  return select(0.0, lattice(score), sees);
//# end
}

fn right_columns() -> u32 {
  return params.head_dim - corner_n;
}

fn right_at(product: u32, j: u32, n: u32) -> f32 {
  let exists = corner_n + n < params.head_dim;
  let at = unit.first_key + j * unit.key_stride + corner_n + n;
  return select(0.0, lattice(x[select(0u, at, exists)]), exists);
}

// A lane loads the rows that it computes.
fn store(total: Tile, lane: u32) {
  let n = corner_n + lane % 8u * 4u;
//# for i in 4
  if (left[$i] != NO_LINE) {
    let head = left[$i];
    let factor = select(params.scale, stats[head * 2u + 1u], params.mode == 0u);
//# for j in 4
    if (n + $ju < params.head_dim) {
      out[head * params.head_dim + n + $ju] = mul(canon(total.r$i[$j]), factor);
    }
//# end
  }
//# end
}

// Stores the sums of a fold block. `first` is the number of the lane's first row among the rows of all units
// and blocks.
fn store_block(total: Tile, lane: u32, first: u32) {
  let n = corner_n + lane % 8u * 4u;
//# for i in 4
  if (left[$i] != NO_LINE) {
//# for j in 4
    if (n + $ju < params.head_dim) {
      out[(first + $iu) * params.head_dim + n + $ju] = total.r$i[$j];
    }
//# end
  }
//# end
}

@compute @workgroup_size(8, 8)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  arm_barrier(params.zero);
  let lines = unit_lines(params);
  let corner = tile_corner(params, workgroup_number(group, groups), lines, params.head_dim);
  if (corner.unit >= params.units) {
    return;
  }
  start_rows(corner, lines, lane);
  let seen = keys_seen_by_tile(corner);
  var total = Tile();
  for (var block = 0u; block < seen; block += TILE_BLOCK) {
    total = tile_add(total, tile_block(0u, block, min(block + TILE_BLOCK, seen), lane, false, true));
  }
  store(total, lane);
}

@compute @workgroup_size(8, 8)
fn split(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  arm_barrier(params.zero);
  let lines = unit_lines(params);
  let tiles = tiles_along(lines) * tiles_along(params.head_dim) * params.units;
  let number = workgroup_number(group, groups);
  let block = number / tiles;
  if (block * TILE_BLOCK >= params.Tk) {
    return;
  }
  let corner = tile_corner(params, number % tiles, lines, params.head_dim);
  start_rows(corner, lines, lane);
  let end = min(block * TILE_BLOCK + TILE_BLOCK, keys_seen_by_tile(corner));
  let sums = tile_block(0u, block * TILE_BLOCK, end, lane, false, true);
  store_block(sums, lane, (block * params.units + corner.unit) * lines + corner.m + lane / 8u * 4u);
}
