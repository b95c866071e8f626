//! import attention
//! import tile
//! import grid
// scores[unit, head, i, j] = mul(canon(lattice fold over d of q * k), scale), a tile a workgroup. Tiles that no row sees are left out.

@group(0) @binding(0) var<uniform> params: AttentionParams;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> positions: array<u32>;
@group(0) @binding(4) var<storage, read_write> scores: array<f32>;

var<private> unit: Unit;
// The query heads of the lane's rows.
var<private> left: vec4<u32>;
var<private> corner_n: u32;

fn left_at(product: u32, i: u32, d: u32) -> f32 {
  if (left[i] == NO_LINE) {
    return 0.0;
  }
  return lattice(q[left[i] * params.head_dim + d]);
}

fn right_at(product: u32, d: u32, n: u32) -> f32 {
  if (corner_n + n >= params.keys) {
    return 0.0;
  }
  return lattice(k[unit.first_key + (params.first_key + corner_n + n) * unit.key_stride + d]);
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
  unit = unit_of(params, unit_number);
  let batch = (params.first_unit + unit_number) / params.kv_heads;
  let corner = number / tiles_n % tiles_m * TILE;
  left = heads_of(params, unit, corner + left_row(lane, false));
  corner_n = number % tiles_n * TILE;
  if (params.first_key + number % tiles_n * TILE >= seen_by(batch, corner)) {
    return;
  }
  var total = Tile();
  for (var block = 0u; block < params.head_dim; block += TILE_BLOCK) {
    total = tile_add(total, tile_block(0u, block, min(block + TILE_BLOCK, params.head_dim), lane, false, false));
  }
  let line = corner + lane / 8u * 4u;
  let n = corner_n + lane % 8u * 4u;
//# for i in 4
  if (line + $iu < lines) {
    let at = (unit_number * lines + line + $iu) * params.keys + n;
//# for j in 4
    if (n + $ju < params.keys) {
      scores[at + $ju] = mul(canon(total.r$i[$j]), params.scale);
    }
//# end
  }
//# end
}
