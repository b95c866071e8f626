//! import lattice
//! import functions
//! import attention
//! import grid
// P = mul(exp(sub(score, m)), r) of the backward pass, recomputed from the row statistics; +0 where masked. One invocation a score.

@group(0) @binding(0) var<uniform> params: AttentionParams;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> positions: array<u32>;
@group(0) @binding(4) var<storage, read> stats: array<f32>;
@group(0) @binding(5) var<storage, read_write> weights: array<f32>;

@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  let at = score_at(params, item);
  if (!at.inside) {
    return;
  }
  if (at.j > positions[at.row]) {
    weights[item] = 0.0;
    return;
  }
  var sum = LatticeFold();
  for (var d = 0u; d < params.head_dim; d++) {
    lattice_fold_term(&sum, lattice(q[at.query + d]), lattice(k[at.key + d]));
  }
  let s = mul(lattice_fold_result(&sum), params.scale);
  let head = at.row * params.heads + at.head;
  weights[item] = mul(exp_canonical(sub(s, stats[head * 2u])), stats[head * 2u + 1u]);
}
