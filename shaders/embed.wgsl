//! import bf16
//! import canonical
//! import grid
// y[n, d] = table[ids[n], d]; one invocation an element. Entry `bf16` reads a table that holds two bf16 a
// word.

struct Params {
  zero: u32,
  count: u32,
  D: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read> table: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> table_bf16: array<u32>;

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
  y[item] = table[ids[item / params.D] * params.D + item % params.D];
}

@compute @workgroup_size(GROUP_SIZE)
fn bf16(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  if (item >= params.count) {
    return;
  }
  let at = ids[item / params.D] * params.D + item % params.D;
  y[item] = canon_bits(bf16_bits(table_bf16[at / 2u], at));
}
