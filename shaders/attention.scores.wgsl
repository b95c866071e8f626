//! import attention-rows
//! import workgroups
// scores[unit, head, i, j] = mul(canon(lattice fold over d of q * k), scale); one workgroup a tile. Tiles
// that no row sees are left out.

@group(0) @binding(0) var<uniform> params: AttentionParams;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> positions: array<u32>;
@group(0) @binding(4) var<storage, read_write> scores: array<f32>;

fn left_at(product: u32, i: u32, d: u32) -> f32 {
  let exists = left[i] != NO_LINE;
  return select(0.0, lattice(q[select(0u, left[i] * params.head_dim + d, exists)]), exists);
}

fn right_columns() -> u32 {
  return params.keys - corner_n;
}

fn right_at(product: u32, d: u32, n: u32) -> f32 {
  let exists = corner_n + n < params.keys;
  let at = unit.first_key + (params.first_key + corner_n + n) * unit.key_stride + d;
  return select(0.0, lattice(k[select(0u, at, exists)]), exists);
}

@compute @workgroup_size(8, 8)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  arm_barrier(params.zero);
  let lines = unit_lines(params);
  let corner = tile_corner(params, workgroup_number(group, groups), lines, params.keys);
  if (corner.unit >= params.units) {
    return;
  }
  start_tile(corner, lane);
  if (params.first_key + corner.n >= keys_seen_by_tile(corner)) {
    return;
  }
  var total = Tile();
  for (var block = 0u; block < params.head_dim; block += TILE_BLOCK) {
    let end = min(block + TILE_BLOCK, params.head_dim);
    total = tile_add(total, tile_block(0u, block, end, lane, false, false));
  }
  let line = corner.m + lane / 8u * 4u;
  let n = corner_n + lane % 8u * 4u;
//# for i in 4
  if (line + $iu < lines) {
    let at = (corner.unit * lines + line + $iu) * params.keys + n;
//# for j in 4
    if (n + $ju < params.keys) {
      scores[at + $ju] = mul(canon(total.r$i[$j]), params.scale);
    }
//# end
  }
//# end
}
