//! import functions
//! import grid
// p = exp(sub(x, lse)); dlogits = mul(coefficient, v = target ? sub(p, 1) : p); one invocation an element.

struct Params {
  zero: u32,
  count: u32,
  V: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read> targets: array<u32>;
@group(0) @binding(4) var<storage, read> coefficient: array<f32>;
@group(0) @binding(5) var<storage, read_write> dlogits: array<f32>;

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
  let row = item / params.V;
  let p = exp_canonical(sub(logits[item], lse[row]));
  let q = select(p, sub(p, 1.0), item % params.V == targets[row]);
  dlogits[item] = mul(coefficient[row], q);
}
