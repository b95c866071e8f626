//! import attention
//! import tile
//! import grid
// out[d] of a query row: canon(lattice fold over the visible j of scores_j * x_jd) times the row's r (mode 0: the output,
// with x the values) or times scale (mode 1: the gradient of q, with x the keys); a tile a workgroup. `split` leaves the sum
// of each fold block in partials[block, line, d] instead, for few rows and many keys; attention.combine adds them.

@group(0) @binding(0) var<uniform> params: AttentionParams;
@group(0) @binding(1) var<storage, read> scores: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> positions: array<u32>;
@group(0) @binding(4) var<storage, read> stats: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;

var<private> unit: Unit;
// Of the lane's rows: the query head, the first score, and how many keys are seen.
var<private> left: vec4<u32>;
var<private> left_scores: vec4<u32>;
var<private> left_seen: vec4<u32>;
var<private> corner_n: u32;

fn prepare(unit_number: u32, lines: u32, corner: u32, lane: u32) {
  let first = corner + left_row(lane, false);
  left = heads_of(params, unit, first);
//# for i in 4
  left_scores[$i] = (unit_number * lines + first + $iu) * params.keys;
  left_seen[$i] = 0u;
  if (left[$i] != NO_LINE) {
    left_seen[$i] = min(positions[row_of(params, unit, first + $iu)], params.Tk - 1u) + 1u;
  }
//# end
}

fn left_at(product: u32, i: u32, j: u32) -> f32 {
  if (j >= left_seen[i]) {
    return 0.0;
  }
  return lattice(scores[left_scores[i] + j]);
}

fn right_at(product: u32, j: u32, n: u32) -> f32 {
  if (corner_n + n >= params.head_dim) {
    return 0.0;
  }
  return lattice(x[unit.first_key + j * unit.key_stride + corner_n + n]);
}

// Keys that some row of the tile sees: uniform, since positions are only read.
fn seen_by(b: u32, corner: u32) -> u32 {
  var most = 0u;
  // A line is a head and then a row.
  var row = corner % params.rows;
  for (var m = 0u; m < min(TILE, params.rows); m++) {
    most = max(most, positions[b * params.Tq + params.first_row + row]);
    row = select(row + 1u, 0u, row + 1u == params.rows);
  }
  return min(most, params.Tk - 1u) + 1u;
}

// The rows that a lane brings are those that it computes.
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

// `first` is the place of the lane's first row among those of all units, for the fold block.
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
  let lines = params.heads / params.kv_heads * params.rows;
  let tiles_n = (params.head_dim + TILE - 1u) / TILE;
  let tiles_m = (lines + TILE - 1u) / TILE;
  let number = group_number(group, groups);
  if (number >= tiles_n * tiles_m * params.units) {
    return;
  }
  let unit_at = number / (tiles_n * tiles_m);
  let batch = (params.first_unit + unit_at) / params.kv_heads;
  let corner = number / tiles_n % tiles_m * TILE;
  unit = unit_of(params, unit_at);
  corner_n = number % tiles_n * TILE;
  prepare(unit_at, lines, corner, lane);
  let seen = seen_by(batch, corner);
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
  let lines = params.heads / params.kv_heads * params.rows;
  let tiles_n = (params.head_dim + TILE - 1u) / TILE;
  let tiles_m = (lines + TILE - 1u) / TILE;
  let tiles = tiles_n * tiles_m * params.units;
  let number = group_number(group, groups);
  let block = number / tiles;
  if (block * TILE_BLOCK >= params.Tk) {
    return;
  }
  let unit_at = number % tiles / (tiles_n * tiles_m);
  let batch = (params.first_unit + unit_at) / params.kv_heads;
  let corner = number / tiles_n % tiles_m * TILE;
  unit = unit_of(params, unit_at);
  corner_n = number % tiles_n * TILE;
  prepare(unit_at, lines, corner, lane);
  let end = min(block * TILE_BLOCK + TILE_BLOCK, seen_by(batch, corner));
  let sums = tile_block(0u, block * TILE_BLOCK, end, lane, false, true);
  store_block(sums, lane, (block * params.units + unit_at) * lines + corner + lane / 8u * 4u);
}
