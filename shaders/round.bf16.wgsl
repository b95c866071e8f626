//! import barrier
//! import grid
// y = x rounded to bf16, nearest even, at most the largest finite bf16; one invocation an element. Bits only:
// no f32 arithmetic.

struct Params {
  zero: u32,
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

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
  let bits = bitcast<u32>(x[item]);
  let magnitude = bits & 0x7fffffffu;
  let rounded = (magnitude + 0x7fffu + ((magnitude >> 16u) & 1u)) & 0x7fff0000u;
  y[item] = bitcast<f32>((bits & 0x80000000u) | min(rounded, 0x7f7f0000u));
}
