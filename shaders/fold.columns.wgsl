//! import canonical
//! import grid
// The first level of a fixed-order fold along the columns of dy [N, D]: partials[block, d] is the sum, in
// order, of 64 rows. One invocation a block and column. Entry `gain` folds mul(dy, mul(x, rstd)), the
// gradient of RMSNorm's gain.

struct Params {
  zero: u32,
  N: u32,
  D: u32,
  blocks: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> rstd: array<f32>;
@group(0) @binding(4) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  let block = item / params.D;
  let d = item % params.D;
  if (block >= params.blocks) {
    return;
  }
  var sum = 0.0;
  for (var n = block * 64u; n < min(block * 64u + 64u, params.N); n++) {
    sum = add(sum, dy[n * params.D + d]);
  }
  partials[item] = sum;
}

@compute @workgroup_size(GROUP_SIZE)
fn gain(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  let block = item / params.D;
  let d = item % params.D;
  if (block >= params.blocks) {
    return;
  }
  var sum = 0.0;
  for (var n = block * 64u; n < min(block * 64u + 64u, params.N); n++) {
    let at = n * params.D + d;
    sum = add(sum, mul(dy[at], mul(x[at], rstd[n])));
  }
  partials[item] = sum;
}
