//! import functions
//! import grid
// The second level of a fixed-order fold: out[i] is the sum, in order from +0, of the block sums of i. One
// invocation an output. Entry `negated` gives sub(0, sum). Entry `rstd` finishes RMSNorm: rsqrt(add(mul(sum,
// inv_d), eps)).

struct Params {
  zero: u32,
  count: u32,
  blocks: u32,
  item_stride: u32,
  block_stride: u32,
  inv_d: f32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

fn combined(item: u32) -> f32 {
  var total = 0.0;
  for (var block = 0u; block < params.blocks; block++) {
    total = add(total, partials[item * params.item_stride + block * params.block_stride]);
  }
  return total;
}

@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  if (item < params.count) {
    out[item] = combined(item);
  }
}

@compute @workgroup_size(GROUP_SIZE)
fn negated(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  if (item < params.count) {
    out[item] = sub(0.0, combined(item));
  }
}

@compute @workgroup_size(GROUP_SIZE)
fn rstd(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  if (item < params.count) {
    out[item] = rsqrt_canonical(add(mul(combined(item), params.inv_d), params.eps));
  }
}
