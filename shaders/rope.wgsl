//! import canonical
//! import grid
// Rotary embedding; one invocation a pair. A pair has one element of either half of a head, or, in entry
// `pairs`, two neighbours. sine_sign is -1 for the backward pass.

struct Params {
  zero: u32,
  count: u32,
  heads: u32,
  half: u32,
  sine_sign: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> positions: array<u32>;
@group(0) @binding(3) var<storage, read> cosine: array<f32>;
@group(0) @binding(4) var<storage, read> sine: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

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
  let i = item % params.half;
  let head = item / params.half;
  let row = head / params.heads;
  let low = head * params.half * 2u + i;
  let high = low + params.half;
  let at = positions[row] * params.half + i;
  let c = cosine[at];
  let s = mul(sine[at], params.sine_sign);
  y[low] = sub(mul(x[low], c), mul(x[high], s));
  y[high] = add(mul(x[high], c), mul(x[low], s));
}

@compute @workgroup_size(GROUP_SIZE)
fn pairs(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  if (item >= params.count) {
    return;
  }
  let row = item / params.half / params.heads;
  let low = item * 2u;
  let high = low + 1u;
  let at = positions[row] * params.half + item % params.half;
  let c = cosine[at];
  let s = mul(sine[at], params.sine_sign);
  y[low] = sub(mul(x[low], c), mul(x[high], s));
  y[high] = add(mul(x[high], c), mul(x[low], s));
}
