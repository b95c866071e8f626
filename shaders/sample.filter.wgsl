//! import functions
//! import grid
// Top-k and top-p by a threshold on z = mul(x, scale). The threshold is the rank of an f32 among all f32 in
// ascending order; it is found four bits at a time. `prepare` writes z and, for top-p, its weight exp(sub(z,
// maximum)). Then, from the highest four bits down, `sums` adds the weights of a block's elements that reach
// each of 16 thresholds (for top-k each weight is 1, and the sums are exact), and `choose` adds the blocks in
// order and keeps the highest threshold whose sum is enough. `apply` writes the lowest finite value over
// every element that is left out.

struct Params {
  zero: u32,
  N: u32,
  V: u32,
  blocks: u32,
  top_k: u32,
  top_p: f32,
  scale: f32,
  // 0 for top-k, 1 for top-p.
  weighted: u32,
  // Position of the four bits that this pass finds: 28, 24, .. 0.
  shift: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> maxima: array<f32>;
@group(0) @binding(3) var<storage, read_write> terms: array<f32>;
// Sums by [row, block, threshold].
@group(0) @binding(4) var<storage, read_write> partials: array<f32>;
// Of each row: the least rank that is kept so far, the bits found of the next one, and the bits of the sum it
// must have.
@group(0) @binding(5) var<storage, read_write> search: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read_write> out: array<f32>;

const TRIES = 16u;
const TOP_SHIFT = 28u;

var<workgroup> totals: array<f32, TRIES>;

// The rank of a canonical x among all f32.
fn rank_of(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  return select(bits | 0x80000000u, ~bits, bits >> 31u == 1u);
}

@compute @workgroup_size(GROUP_SIZE)
fn prepare(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  if (item >= params.N * params.V) {
    return;
  }
  let z = mul(logits[item], params.scale);
  out[item] = z;
  terms[item] = exp_canonical(sub(z, maxima[item / params.V]));
  if (item < params.N) {
    search[item] = vec4<u32>();
  }
}

@compute @workgroup_size(GROUP_SIZE)
fn sums(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  let row = item / params.blocks;
  if (row >= params.N) {
    return;
  }
  let start = item % params.blocks * 64u;
  let found = search[row];
//# for i in 16
  let threshold_$i = max(found.y | ($iu << params.shift), found.x);
  var sum_$i = 0.0;
//# end
  for (var v = start; v < min(start + 64u, params.V); v++) {
    let at = row * params.V + v;
    let rank = rank_of(out[at]);
    // Thresholds ascend, so an element below the first adds +0 to every sum.
    if (rank >= threshold_0) {
      let weight = select(1.0, terms[at], params.weighted == 1u);
//# for i in 16
      sum_$i = add(sum_$i, select(0.0, weight, rank >= threshold_$i));
//# end
    }
  }
//# for i in 16
  partials[item * TRIES + $iu] = sum_$i;
//# end
}

@compute @workgroup_size(TRIES)
fn choose(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  arm_barrier(params.zero);
  let row = workgroup_number(group, groups);
  let first = min(row, params.N - 1u) * params.blocks * TRIES + lane;
  var total = 0.0;
  // Eight blocks are read at a time to hide the latency of memory. A block beyond the last adds +0.
  for (var block = 0u; block < params.blocks; block += 8u) {
//# for i in 8
    let partial_$i = partials[first + min(block + $iu, params.blocks - 1u) * TRIES];
//# end
//# for i in 8
    total = add(total, select(0.0, partial_$i, block + $iu < params.blocks));
//# end
  }
  totals[lane] = total;
  workgroupBarrier();
  if (lane != 0u || row >= params.N) {
    return;
  }
  var found = search[row];
  var wanted = f32(params.top_k);
  if (params.weighted == 1u) {
    // In the first pass, threshold 0 is the least rank that is kept, so its sum is the whole.
    wanted = select(bitcast<f32>(found.z), mul(params.top_p, totals[0]), params.shift == TOP_SHIFT);
  }
  // Sums fall as thresholds rise. Only NaN has a rank above 0xff7fffff, so the sums of the highest thresholds
  // are 0.
  var digit = 0u;
  for (var i = 1u; i < TRIES; i++) {
    digit = select(digit, i, totals[i] >= wanted);
  }
  found.y |= digit << params.shift;
  found.z = bitcast<u32>(wanted);
  if (params.shift == 0u) {
    found = vec4<u32>(max(found.x, found.y), 0u, 0u, 0u);
  }
  search[row] = found;
}

@compute @workgroup_size(GROUP_SIZE)
fn apply(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  if (item >= params.N * params.V) {
    return;
  }
  let z = out[item];
  out[item] = select(bitcast<f32>(0xff7fffffu), z, rank_of(z) >= search[item / params.V].x);
}
