//! import functions
//! import grid
// n = sqrt(the sums added in order from +0); scale = n > max_norm ? mul(max_norm, recip(n)) : 1. One
// invocation does all.

struct Params {
  zero: u32,
  count: u32,
  max_norm: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<f32>;
@group(0) @binding(2) var<storage, read_write> scale: array<f32>;

@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  if (item > 0u) {
    return;
  }
  var total = 0.0;
  for (var i = 0u; i < params.count; i++) {
    total = add(total, sums[i]);
  }
  let n = sqrt_canonical(total);
  scale[0] = select(1.0, mul(params.max_norm, recip(n)), n > params.max_norm);
}
