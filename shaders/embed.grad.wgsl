//! import fold
//! import grid
// dtable[v, d] = the fold of dy[n, d] over the rows n with ids[n] = v, ascending. The rows of an id are a
// segment of the sorted pairs (id, row). There is one invocation for each pair and column, and the one at the
// first pair of a segment does the work. The table was cleared before, so an id without rows keeps +0. A
// dispatch folds `span` rows of each segment from its row `skip` on, both multiples of 64, and continues from
// the sum in dtable.

struct Params {
  zero: u32,
  N: u32,
  D: u32,
  skip: u32,
  span: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sorted: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dtable: array<f32>;

@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  let first = item / params.D;
  let d = item % params.D;
  if (first >= params.N) {
    return;
  }
  let id = sorted[first].x;
  if (first > 0u && sorted[first - 1u].x == id) {
    return;
  }
  let begin = first + params.skip;
  if (begin >= params.N || sorted[begin].x != id) {
    return;
  }
  var sum = Fold();
  if (params.skip > 0u) {
    sum.total = dtable[id * params.D + d];
  }
  for (var at = begin; at < min(begin + params.span, params.N); at++) {
    let pair = sorted[at];
    if (pair.x != id) {
      break;
    }
    fold_term(&sum, dy[pair.y * params.D + d]);
  }
  dtable[id * params.D + d] = fold_result(&sum);
}
