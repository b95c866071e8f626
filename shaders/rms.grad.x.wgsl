//! import canonical
//! import grid
// RMSNorm's gradient with respect to x, in three dispatches. `blocks` sums one block of 64 terms mul(t, x),
// where t = mul(dy, gain). `row` makes c = mul(mul(s, mul(rstd, mul(rstd, rstd))), inv_d) of a row's sum s.
// `main` finishes an element.

struct Params {
  zero: u32,
  N: u32,
  D: u32,
  blocks: u32,
  inv_d: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> rstd: array<f32>;
@group(0) @binding(4) var<storage, read> gain: array<f32>;
@group(0) @binding(5) var<storage, read_write> partials: array<f32>;
@group(0) @binding(6) var<storage, read_write> row_c: array<f32>;
@group(0) @binding(7) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(GROUP_SIZE)
fn blocks(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  let row = item / params.blocks;
  let start = (item % params.blocks) * 64u;
  if (row >= params.N) {
    return;
  }
  var sum = 0.0;
  for (var d = start; d < min(start + 64u, params.D); d++) {
    let at = row * params.D + d;
    sum = add(sum, mul(mul(dy[at], gain[d]), x[at]));
  }
  partials[item] = sum;
}

@compute @workgroup_size(GROUP_SIZE)
fn row(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  if (item >= params.N) {
    return;
  }
  var s = 0.0;
  for (var block = 0u; block < params.blocks; block++) {
    s = add(s, partials[item * params.blocks + block]);
  }
  let r = rstd[item];
  row_c[item] = mul(mul(s, mul(r, mul(r, r))), params.inv_d);
}

@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  if (item >= params.N * params.D) {
    return;
  }
  let row = item / params.D;
  let t = mul(dy[item], gain[item % params.D]);
  dx[item] = sub(mul(t, rstd[row]), mul(x[item], row_c[row]));
}
