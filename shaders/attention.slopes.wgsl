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
var<private> lines: u32;
var<private> corner_m: u32;
var<private> corner_n: u32;

fn left_at(product: u32, m: u32, d: u32) -> f32 {
  if (corner_m + m >= lines) {
    return 0.0;
  }
  let at = head_of(params, unit, corner_m + m) * params.head_dim + d;
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
  lines = params.heads / params.kv_heads * params.rows;
  let tiles_n = (params.keys + TILE - 1u) / TILE;
  let tiles_m = (params.heads / params.kv_heads * params.rows + TILE - 1u) / TILE;
  let number = group_number(group, groups);
  if (number >= tiles_n * tiles_m * params.units) {
    return;
  }
  let unit_number = number / (tiles_n * tiles_m);
  let batch = (params.first_unit + unit_number) / params.kv_heads;
  let corner = number / tiles_n % tiles_m * TILE;
  unit = unit_of(params, unit_number);
  corner_m = corner;
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
  for (var i = 0u; i < 4u; i++) {
    let line = corner_m + lane / 8u * 4u + i;
    if (line >= lines) {
      break;
    }
    let head = head_of(params, unit, line);
    let s4 = tile_row(score, i);
    let d4 = tile_row(slope, i);
    for (var j = 0u; j < 4u; j++) {
      let n = corner_n + lane % 8u * 4u + j;
      if (n >= params.keys) {
        break;
      }
      let at = (unit_number * lines + line) * params.keys + n;
      let s = mul(canon(s4[j]), params.scale);
      let weight = mul(exp_canonical(sub(s, stats[head * 2u])), stats[head * 2u + 1u]);
      scores[at] = mul(weight, sub(canon(d4[j]), delta[head]));
      if (params.mode == 1u) {
        scores[count + at] = weight;
      }
    }
  }
}
