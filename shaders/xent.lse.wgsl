//! import functions
//! import row-sum
//! import workgroups
// lse[n] = add(maximum, log(sum of the row's block sums in order)); one workgroup a row.

struct Params {
  zero: u32,
  N: u32,
  blocks: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> maxima: array<f32>;
@group(0) @binding(2) var<storage, read> partials: array<f32>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;

@compute @workgroup_size(ROW_LANES)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  arm_barrier(params.zero);
  let row = workgroup_number(group, groups);
  let l = row_sum(min(row, params.N - 1u) * params.blocks, params.blocks, lane);
  if (lane == 0u && row < params.N) {
    lse[row] = add(maxima[row], log_canonical(l));
  }
}
