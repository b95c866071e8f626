//! import functions
//! import grid
// partials[n, block] = the sum, in order, of one block of 64 terms exp(sub(mul(x, scale), maximum)); one
// invocation a block.

struct Params {
  zero: u32,
  N: u32,
  V: u32,
  blocks: u32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> maxima: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  let row = item / params.blocks;
  let start = (item % params.blocks) * 64u;
  if (row >= params.N) {
    return;
  }
  let m = maxima[row];
  var sum = 0.0;
  for (var v = start; v < min(start + 64u, params.V); v++) {
    sum = add(sum, exp_canonical(sub(mul(x[row * params.V + v], params.scale), m)));
  }
  partials[item] = sum;
}
