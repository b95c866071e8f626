//! import lattice
//! import attention
//! import grid
// scores[unit, head, i, j] = mul(canon(lattice fold over d of q * k), scale); one invocation a score.

@group(0) @binding(0) var<uniform> params: AttentionParams;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> positions: array<u32>;
@group(0) @binding(4) var<storage, read_write> scores: array<f32>;

@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  let at = score_at(params, item);
  if (!at.inside || at.j > positions[at.row]) {
    return;
  }
  var sum = LatticeFold();
  for (var d = 0u; d < params.head_dim; d++) {
    lattice_fold_term(&sum, lattice(q[at.query + d]), lattice(k[at.key + d]));
  }
  scores[item] = mul(lattice_fold_result(&sum), params.scale);
}
