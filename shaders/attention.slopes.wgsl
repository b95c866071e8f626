//! import functions
//! import attention-rows
//! import workgroups
// The scores of the backward pass, recomputed from the row statistics (arXiv 2205.14135); one workgroup a
// tile: P = mul(exp(sub(mul(q * k, scale), m)), r) and dS = mul(P, sub(dout * v, delta)). `scores` holds the
// dS and, in mode 1, the P after them, on the lattice, with +0 for keys that a row does not see. In mode 0
// such scores keep their old value or hold one that nobody reads.

@group(0) @binding(0) var<uniform> params: AttentionParams;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read> positions: array<u32>;
@group(0) @binding(5) var<storage, read> stats: array<f32>;
@group(0) @binding(6) var<storage, read> dout: array<f32>;
@group(0) @binding(7) var<storage, read> delta: array<f32>;
@group(0) @binding(8) var<storage, read_write> scores: array<f32>;

fn left_at(product: u32, i: u32, d: u32) -> f32 {
  let exists = left[i] != NO_LINE;
  let at = select(0u, left[i] * params.head_dim + d, exists);
  if (product == 0u) {
    return select(0.0, lattice(q[at]), exists);
  }
  return select(0.0, lattice(dout[at]), exists);
}

fn right_columns() -> u32 {
  return params.keys - corner_n;
}

fn right_at(product: u32, d: u32, n: u32) -> f32 {
  let exists = corner_n + n < params.keys;
  let at = select(0u, unit.first_key + (params.first_key + corner_n + n) * unit.key_stride + d, exists);
  if (product == 0u) {
    return select(0.0, lattice(k[at]), exists);
  }
  return select(0.0, lattice(v[at]), exists);
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
  let is_seen = params.first_key + corner.n < keys_seen_by_tile(corner);
  if (!is_seen && params.mode == 0u) {
    return;
  }
  var score = Tile();
  var slope = Tile();
  let terms = select(0u, params.head_dim, is_seen);
  for (var block = 0u; block < terms; block += TILE_BLOCK) {
    let end = min(block + TILE_BLOCK, params.head_dim);
    score = tile_add(score, tile_block(0u, block, end, lane, false, false));
    slope = tile_add(slope, tile_block(1u, block, end, lane, false, false));
  }
  let count = params.units * lines * params.keys;
  // A lane loads the rows that it computes.
  let line = corner.m + lane / 8u * 4u;
  let n = corner_n + lane % 8u * 4u;
//# for i in 4
  if (left[$i] != NO_LINE) {
    let head = left[$i];
    let at = (corner.unit * lines + line + $iu) * params.keys + n;
    let m = stats[head * 2u];
    let r = stats[head * 2u + 1u];
    let mean = delta[head];
    let seen = keys_seen(params, positions[row_of(params, unit, line + $iu)]);
//# for j in 4
    if (n + $ju < params.keys) {
      let weight = mul(exp_canonical(sub(mul(canon(score.r$i[$j]), params.scale), m)), r);
      let sees = params.first_key + n + $ju < seen;
      let ds = mul(weight, sub(canon(slope.r$i[$j]), mean));
      scores[at + $ju] = select(0.0, lattice(ds), sees);
      if (params.mode == 1u) {
        scores[count + at + $ju] = select(0.0, lattice(weight), sees);
      }
    }
//# end
  }
//# end
}
