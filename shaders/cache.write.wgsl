//! import barrier
//! import grid
// cache[b * Tk + positions[b], :] = x[b, :], in place; one invocation an element of x. Entry `rows` writes R
// rows of each batch entry, from row positions[b] on.

struct Params {
  zero: u32,
  count: u32,
  Tk: u32,
  D: u32,
  R: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> positions: array<u32>;
@group(0) @binding(3) var<storage, read_write> cache: array<f32>;

@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  if (item >= params.count) {
    return;
  }
  let b = item / params.D;
  cache[(b * params.Tk + positions[b]) * params.D + item % params.D] = x[item];
}

@compute @workgroup_size(GROUP_SIZE)
fn rows(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  if (item >= params.count) {
    return;
  }
  let row = item / params.D;
  let b = row / params.R;
  cache[(b * params.Tk + positions[b] + row % params.R) * params.D + item % params.D] = x[item];
}
