//! import functions
//! import fold
//! import attention
//! import lattice
//! import grid
// Turns a line of scores into exp(sub(score, m)), in place, and stores stats = (m, recip(sum)); one workgroup
// a line. Scores of keys that the row does not see keep their value. Entry `short` does the same with one
// invocation a line, for few keys, and stores lattice(exp(sub(score, m))), which is all that attention.rows
// needs.

@group(0) @binding(0) var<uniform> params: AttentionParams;
@group(0) @binding(1) var<storage, read> positions: array<u32>;
@group(0) @binding(2) var<storage, read_write> scores: array<f32>;
@group(0) @binding(3) var<storage, read_write> stats: array<f32>;

const LANES = 64u;
var<workgroup> exchange: array<f32, LANES>;
var<workgroup> largest: f32;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  arm_barrier(params.zero);
  let lines = unit_lines(params);
  let number = workgroup_number(group, groups);
  if (number >= lines * params.units) {
    return;
  }
  let unit = unit_of(params, number / lines);
  let line = number % lines;
  let base = number * params.keys;
  let seen = keys_seen(params, positions[row_of(params, unit, line)]);
  var m = scores[base];
  for (var start = lane; start < seen; start += 4u * LANES) {
//# for i in 4
    if (start + $iu * LANES < seen) {
      let s = scores[base + start + $iu * LANES];
      m = select(m, s, s > m);
    }
//# end
  }
  exchange[lane] = m;
  workgroupBarrier();
  if (lane == 0u) {
    for (var i = 1u; i < LANES; i++) {
      let s = exchange[i];
      m = select(m, s, s > m);
    }
    largest = m;
  }
  workgroupBarrier();
  m = largest;
  for (var start = lane; start < seen; start += 4u * LANES) {
//# for i in 4
    if (start + $iu * LANES < seen) {
      let at_$i = base + start + $iu * LANES;
      scores[at_$i] = exp_canonical(sub(scores[at_$i], m));
    }
//# end
  }
  storageBarrier();
  workgroupBarrier();
  var total = 0.0;
  for (var first = 0u; first < seen; first += LANES * 64u) {
    let start = first + lane * 64u;
    var sum = 0.0;
    for (var j = start; j < min(start + 64u, seen); j++) {
      sum = add(sum, scores[base + j]);
    }
    exchange[lane] = sum;
    workgroupBarrier();
    if (lane == 0u) {
      for (var i = 0u; i < min(LANES, (seen - first + 63u) / 64u); i++) {
        total = add(total, exchange[i]);
      }
    }
    workgroupBarrier();
  }
  if (lane == 0u) {
    let head = head_of(params, unit, line);
    stats[head * 2u] = m;
    stats[head * 2u + 1u] = recip(total);
  }
}

@compute @workgroup_size(GROUP_SIZE)
fn short(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let lines = unit_lines(params);
  let number = work_item(group, groups, local);
  if (number >= lines * params.units) {
    return;
  }
  let unit = unit_of(params, number / lines);
  let line = number % lines;
  let base = number * params.keys;
  let seen = keys_seen(params, positions[row_of(params, unit, line)]);
  var m = scores[base];
  for (var j = 1u; j < seen; j++) {
    let s = scores[base + j];
    m = select(m, s, s > m);
  }
  var sum = Fold();
  for (var j = 0u; j < seen; j++) {
    let weight = exp_canonical(sub(scores[base + j], m));
    scores[base + j] = lattice(weight);
    fold_term(&sum, weight);
  }
  let head = head_of(params, unit, line);
  stats[head * 2u] = m;
  stats[head * 2u + 1u] = recip(fold_result(&sum));
}
