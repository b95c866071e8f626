//! import canonical
//! import grid
// y = mul(byte, scale of the row): reads what quant.int8 wrote, one invocation an element.

struct Params {
  zero: u32,
  count: u32,
  D: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<u32>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

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
  let byte = extractBits(bitcast<i32>(q[item / 4u]), item % 4u * 8u, 8u);
  y[item] = mul(f32(byte), scale[item / params.D]);
}
