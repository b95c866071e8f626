//! import lattice
//! import attention
//! import grid
// dv and dk of one key: for each head of the group ascending, a lattice fold over every query row (masked rows weigh +0 and
// keep their place), the heads' results added in order. One invocation an element.

@group(0) @binding(0) var<uniform> params: AttentionParams;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read> slopes: array<f32>;
@group(0) @binding(3) var<storage, read> q: array<f32>;
@group(0) @binding(4) var<storage, read> dout: array<f32>;
@group(0) @binding(5) var<storage, read_write> dk: array<f32>;
@group(0) @binding(6) var<storage, read_write> dv: array<f32>;

@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  let d = item % params.head_dim;
  let key = item / params.head_dim;
  let j = key % params.Tk;
  let unit = key / params.Tk;
  if (unit >= params.units) {
    return;
  }
  let b = (params.first_unit + unit) / params.kv_heads;
  let g = (params.first_unit + unit) % params.kv_heads;
  let group_heads = params.heads / params.kv_heads;
  let stride = params.heads * params.head_dim;
  var dk_sum = 0.0;
  var dv_sum = 0.0;
  for (var h = 0u; h < group_heads; h++) {
    let scores = (unit * group_heads + h) * params.Tq * params.Tk + j;
    let rows = (b * params.Tq * params.heads + g * group_heads + h) * params.head_dim + d;
    var a = LatticeFold();
    var c = LatticeFold();
    for (var i = 0u; i < params.Tq; i++) {
      lattice_fold_term(&a, lattice(weights[scores + i * params.Tk]), lattice(dout[rows + i * stride]));
      lattice_fold_term(&c, lattice(slopes[scores + i * params.Tk]), lattice(q[rows + i * stride]));
    }
    dv_sum = add(dv_sum, lattice_fold_result(&a));
    dk_sum = add(dk_sum, mul(lattice_fold_result(&c), params.scale));
  }
  let out = ((b * params.Tk + j) * params.kv_heads + g) * params.head_dim + d;
  dk[out] = dk_sum;
  dv[out] = dv_sum;
}
