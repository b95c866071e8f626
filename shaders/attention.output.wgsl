//! import lattice
//! import attention
//! import grid
// o[d] = mul(canon(lattice fold over the visible j of p_j * v_jd), r); one invocation an element.

@group(0) @binding(0) var<uniform> params: AttentionParams;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read> positions: array<u32>;
@group(0) @binding(4) var<storage, read> stats: array<f32>;
@group(0) @binding(5) var<storage, read_write> o: array<f32>;

@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  let d = item % params.head_dim;
  let row = item / params.head_dim;
  let at = row_at(params, row);
  if (!at.inside) {
    return;
  }
  let keys = min(positions[at.row], params.Tk - 1u) + 1u;
  let stride = params.kv_heads * params.head_dim;
  var sum = LatticeFold();
  for (var j = 0u; j < keys; j++) {
    lattice_fold_term(&sum, weights[row * params.Tk + j], lattice(v[at.first_key + j * stride + d]));
  }
  let head = at.row * params.heads + at.head;
  o[head * params.head_dim + d] = mul(lattice_fold_result(&sum), stats[head * 2u + 1u]);
}
