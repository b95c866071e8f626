//! import functions
//! import grid
// lse[n] = add(maximum, log(sum of the block sums in order)); one invocation a row.

struct Params {
  zero: u32,
  N: u32,
  blocks: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> maxima: array<f32>;
@group(0) @binding(2) var<storage, read> partials: array<f32>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;

@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  if (item >= params.N) {
    return;
  }
  var l = 0.0;
  for (var block = 0u; block < params.blocks; block++) {
    l = add(l, partials[item * params.blocks + block]);
  }
  lse[item] = add(maxima[item], log_canonical(l));
}
