//! import functions
//! import grid
// The coefficient of the two-sided clipped policy objective; one invocation a row.

struct Params {
  zero: u32,
  N: u32,
  clip_low: f32,
  clip_high: f32,
  ratio_cap: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logprob: array<f32>;
@group(0) @binding(2) var<storage, read> old: array<f32>;
@group(0) @binding(3) var<storage, read> advantage: array<f32>;
@group(0) @binding(4) var<storage, read> weight: array<f32>;
@group(0) @binding(5) var<storage, read_write> coefficient: array<f32>;

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
  let ratio = exp_canonical(sub(logprob[item], old[item]));
  let a = advantage[item];
  let gains = ratio <= params.clip_high;
  let loses = ratio >= params.clip_low && ratio <= params.ratio_cap;
  let counts = select(loses, gains, a > 0.0);
  coefficient[item] = select(0.0, mul(mul(a, ratio), weight[item]), counts);
}
