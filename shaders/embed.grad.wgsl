//! import fold
//! import grid
// dtable[v, d] = fold over the rows n with ids[n] = v, ascending. One invocation a row and column; only the first row of an
// id works. The table was cleared before, so an id without rows keeps +0.

struct Params {
  zero: u32,
  N: u32,
  D: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read> next: array<u32>;
@group(0) @binding(3) var<storage, read> first: array<u32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> dtable: array<f32>;

@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  let row = item / params.D;
  let d = item % params.D;
  if (row >= params.N || first[row] == 0u) {
    return;
  }
  var sum = Fold();
  for (var n = row; n < params.N; n = next[n]) {
    fold_term(&sum, dy[n * params.D + d]);
  }
  dtable[ids[row] * params.D + d] = fold_result(&sum);
}
