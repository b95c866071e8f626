//! import lattice
//! import grid
// One block of 64 of a matrix product's lattice folds: partials[block, m, n]; one invocation a block and output. For products with
// few outputs, where tiles would leave most of the device idle; fold.combine adds the blocks in order.

struct Params {
  zero: u32,
  M: u32,
  N: u32,
  K: u32,
  a_stride_m: u32,
  a_stride_k: u32,
  b_stride_k: u32,
  b_stride_n: u32,
  blocks: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  let n = item % params.N;
  let m = (item / params.N) % params.M;
  let block = item / (params.M * params.N);
  if (block >= params.blocks) {
    return;
  }
  var sum = 0.0;
  for (var k = block * 64u; k < min(block * 64u + 64u, params.K); k++) {
    let left = lattice(a[m * params.a_stride_m + k * params.a_stride_k]);
    let right = lattice(b[k * params.b_stride_k + n * params.b_stride_n]);
    sum = lattice_step(sum, left, right);
  }
  partials[item] = canon(sum);
}
