//! import canonical
//! import grid
// The first level of a fixed-order fold over rows of `length` terms: partials[row, block] is the sum, in
// order, of one block of 64 terms. One invocation a block. The terms are x (`main`), x * x (`squares`) or x *
// y (`products`).

struct Params {
  zero: u32,
  rows: u32,
  length: u32,
  blocks: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

struct Span {
  index: u32,
  end: u32,
  inside: bool,
}

fn span_of(item: u32) -> Span {
  let row = item / params.blocks;
  let start = (item % params.blocks) * 64u;
  let base = row * params.length;
  return Span(base + start, base + min(start + 64u, params.length), row < params.rows);
}

@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  let span = span_of(item);
  if (!span.inside) {
    return;
  }
  var sum = 0.0;
  for (var i = span.index; i < span.end; i++) {
    sum = add(sum, x[i]);
  }
  partials[item] = sum;
}

@compute @workgroup_size(GROUP_SIZE)
fn squares(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  let span = span_of(item);
  if (!span.inside) {
    return;
  }
  var sum = 0.0;
  for (var i = span.index; i < span.end; i++) {
    sum = add(sum, mul(x[i], x[i]));
  }
  partials[item] = sum;
}

@compute @workgroup_size(GROUP_SIZE)
fn products(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  let span = span_of(item);
  if (!span.inside) {
    return;
  }
  var sum = 0.0;
  for (var i = span.index; i < span.end; i++) {
    sum = add(sum, mul(x[i], y[i]));
  }
  partials[item] = sum;
}
