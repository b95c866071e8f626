//! import canonical
//! import attention
//! import grid
// Adds the block sums of attention.rows in order; out = mul(canon(sum), the row's r in mode 0 or scale in
// mode 1). One invocation an element.

@group(0) @binding(0) var<uniform> params: AttentionParams;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read> stats: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  let lines = unit_lines(params);
  let all = params.units * lines * params.head_dim;
  if (item >= all) {
    return;
  }
  var total = 0.0;
  for (var block = 0u; block * 64u < params.Tk; block++) {
    total = opaque(total + partials[block * all + item]);
  }
  let line = item / params.head_dim;
  let head = head_of(params, unit_of(params, line / lines), line % lines);
  let factor = select(params.scale, stats[head * 2u + 1u], params.mode == 0u);
  out[head * params.head_dim + item % params.head_dim] = mul(canon(total), factor);
}
