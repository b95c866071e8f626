//! import functions
//! import grid
// AdamW (arXiv 1711.05101), in place; one invocation an element. hyper = [learning rate, 1 / (1 - beta1^t),
// 1 / (1 - beta2^t)].

struct Params {
  zero: u32,
  count: u32,
  beta1: f32,
  one_minus_beta1: f32,
  beta2: f32,
  one_minus_beta2: f32,
  eps: f32,
  weight_decay: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> p: array<f32>;
@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read_write> m: array<f32>;
@group(0) @binding(4) var<storage, read_write> v: array<f32>;
@group(0) @binding(5) var<storage, read> scale: array<f32>;
@group(0) @binding(6) var<storage, read> hyper: array<f32>;

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
  let gradient = mul(g[item], scale[0]);
  let m1 = add(mul(params.beta1, m[item]), mul(params.one_minus_beta1, gradient));
  let v1 = add(mul(params.beta2, v[item]), mul(params.one_minus_beta2, mul(gradient, gradient)));
  m[item] = m1;
  v[item] = v1;
  let u = mul(mul(m1, hyper[1]), recip(add(sqrt_canonical(mul(v1, hyper[2])), params.eps)));
  p[item] = sub(p[item], mul(hyper[0], add(u, mul(params.weight_decay, p[item]))));
}
