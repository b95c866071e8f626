//! import lattice
//! import attention
//! import grid
// dS = mul(P, sub(canon(lattice fold over d of dout * v), delta)), the gradient of a score; +0 where masked. One invocation a score.

@group(0) @binding(0) var<uniform> params: AttentionParams;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read> positions: array<u32>;
@group(0) @binding(4) var<storage, read> dout: array<f32>;
@group(0) @binding(5) var<storage, read> delta: array<f32>;
@group(0) @binding(6) var<storage, read_write> slopes: array<f32>;

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
    slopes[item] = 0.0;
    return;
  }
  var sum = LatticeFold();
  for (var d = 0u; d < params.head_dim; d++) {
    lattice_fold_term(&sum, lattice(dout[at.query + d]), lattice(v[at.key + d]));
  }
  let head = at.row * params.heads + at.head;
  slopes[item] = mul(weights[item], sub(lattice_fold_result(&sum), delta[head]));
}
