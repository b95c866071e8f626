//! import lattice
//! import functions
//! import fold
//! import attention
//! import grid
// Turns a row of scores into lattice(exp(sub(score, m))) in place and stores stats = (m, recip(sum)); one invocation a row.

@group(0) @binding(0) var<uniform> params: AttentionParams;
@group(0) @binding(1) var<storage, read> positions: array<u32>;
@group(0) @binding(2) var<storage, read_write> scores: array<f32>;
@group(0) @binding(3) var<storage, read_write> stats: array<f32>;

@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  let at = row_at(params, item);
  if (!at.inside) {
    return;
  }
  let base = item * params.Tk;
  let keys = min(positions[at.row], params.Tk - 1u) + 1u;
  var m = scores[base];
  for (var j = 1u; j < keys; j++) {
    let s = scores[base + j];
    m = select(m, s, s > m);
  }
  var sum = Fold();
  for (var j = 0u; j < keys; j++) {
    let p = exp_canonical(sub(scores[base + j], m));
    fold_term(&sum, p);
    scores[base + j] = lattice(p);
  }
  let head = at.row * params.heads + at.head;
  stats[head * 2u] = m;
  stats[head * 2u + 1u] = recip(fold_result(&sum));
}
