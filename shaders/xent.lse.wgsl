//! import functions
//! import grid
// lse[n] = add(maximum, log(sum of the block sums in order)); a workgroup a row.

struct Params {
  zero: u32,
  N: u32,
  blocks: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> maxima: array<f32>;
@group(0) @binding(2) var<storage, read> partials: array<f32>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;

const ROW_LANES = 64u;
var<workgroup> chunk: array<f32, ROW_LANES>;

// The block sums of a row added in order, 64 read at a time. Lane 0 has the sum. Called in uniform control flow only.
fn row_sum(base: u32, lane: u32) -> f32 {
  var total = 0.0;
  for (var first = 0u; first < params.blocks; first += ROW_LANES) {
    let count = min(ROW_LANES, params.blocks - first);
    if (lane < count) {
      chunk[lane] = partials[base + first + lane];
    }
    workgroupBarrier();
    if (lane == 0u) {
      for (var i = 0u; i < count; i++) {
        total = add(total, chunk[i]);
      }
    }
    workgroupBarrier();
  }
  return total;
}

@compute @workgroup_size(ROW_LANES)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  arm_barrier(params.zero);
  let row = group_number(group, groups);
  let l = row_sum(min(row, params.N - 1u) * params.blocks, lane);
  if (lane == 0u && row < params.N) {
    lse[row] = add(maxima[row], log_canonical(l));
  }
}
