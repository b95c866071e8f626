//! import functions
//! import grid
// s = sigmoid(gate); dup = mul(dy, mul(gate, s)); dgate = mul(mul(dy, up), add(s, mul(mul(gate, s), sub(1,
// s)))).

struct Params {
  zero: u32,
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> gate: array<f32>;
@group(0) @binding(3) var<storage, read> up: array<f32>;
@group(0) @binding(4) var<storage, read_write> dgate: array<f32>;
@group(0) @binding(5) var<storage, read_write> dup: array<f32>;

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
  let g = gate[item];
  let s = sigmoid(g);
  let gs = mul(g, s);
  dup[item] = mul(dy[item], gs);
  dgate[item] = mul(mul(dy[item], up[item]), add(s, mul(gs, sub(1.0, s))));
}
