//! import functions
//! import attention
//! import tile
//! import grid
// The backward pass's scores, recomputed from the row statistics (arXiv 2205.14135), a tile a workgroup:
// P = mul(exp(sub(mul(q * k, scale), m)), r) and dS = mul(P, sub(dout * v, delta)). scores holds the dS, and after them, in mode 1, the
// P. Scores of keys that a row does not see are left as they are or hold what nobody reads.

@group(0) @binding(0) var<uniform> params: AttentionParams;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read> positions: array<u32>;
@group(0) @binding(5) var<storage, read> stats: array<f32>;
@group(0) @binding(6) var<storage, read> dout: array<f32>;
@group(0) @binding(7) var<storage, read> delta: array<f32>;
@group(0) @binding(8) var<storage, read_write> scores: array<f32>;

var<private> unit: Unit;
// The query heads of the lane's rows.
var<private> left: vec4<u32>;
var<private> corner_n: u32;

fn left_at(product: u32, i: u32, d: u32) -> f32 {
  if (left[i] == NO_LINE) {
    return 0.0;
  }
  let at = left[i] * params.head_dim + d;
  if (product == 0u) {
    return lattice(q[at]);
  }
  return lattice(dout[at]);
}

fn right_at(product: u32, d: u32, n: u32) -> f32 {
  if (corner_n + n >= params.keys) {
    return 0.0;
  }
  let at = unit.first_key + (params.first_key + corner_n + n) * unit.key_stride + d;
  if (product == 0u) {
    return lattice(k[at]);
  }
  return lattice(v[at]);
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

@compute @workgroup_size(8, 8)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  arm_barrier(params.zero);
  let lines = params.heads / params.kv_heads * params.rows;
  let tiles_n = (params.keys + TILE - 1u) / TILE;
  let tiles_m = (lines + TILE - 1u) / TILE;
  let number = group_number(group, groups);
  if (number >= tiles_n * tiles_m * params.units) {
    return;
  }
  let unit_number = number / (tiles_n * tiles_m);
  let batch = (params.first_unit + unit_number) / params.kv_heads;
  let corner = number / tiles_n % tiles_m * TILE;
  unit = unit_of(params, unit_number);
  left = heads_of(params, unit, corner + left_row(lane, false));
  corner_n = number % tiles_n * TILE;
  if (params.first_key + number % tiles_n * TILE >= seen_by(batch, corner)) {
    return;
  }
  var score = Tile();
  var slope = Tile();
  for (var block = 0u; block < params.head_dim; block += TILE_BLOCK) {
    let end = min(block + TILE_BLOCK, params.head_dim);
    score = tile_add(score, tile_block(0u, block, end, lane, false, false));
    slope = tile_add(slope, tile_block(1u, block, end, lane, false, false));
  }
  let count = params.units * lines * params.keys;
  // The rows that a lane brings are those that it computes.
  let line = corner + lane / 8u * 4u;
  let n = corner_n + lane % 8u * 4u;
//# for i in 4
  if (left[$i] != NO_LINE) {
    let head = left[$i];
    let at = (unit_number * lines + line + $iu) * params.keys + n;
    let m = stats[head * 2u];
    let r = stats[head * 2u + 1u];
    let mean = delta[head];
//# for j in 4
    if (n + $ju < params.keys) {
      let weight = mul(exp_canonical(sub(mul(canon(score.r$i[$j]), params.scale), m)), r);
      scores[at + $ju] = mul(weight, sub(canon(slope.r$i[$j]), mean));
      if (params.mode == 1u) {
        scores[count + at + $ju] = weight;
      }
    }
//# end
  }
//# end
}
