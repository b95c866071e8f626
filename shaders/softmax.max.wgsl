//! import canonical
//! import grid
// The largest mul(x, scale) of each row of x [N, V]. Entry `block` takes the maximum of 64 elements, one
// invocation a block; `main` takes that of a row's blocks, one workgroup a row. No canonical value is -0, so
// any order of comparisons gives the same bits.

struct Params {
  zero: u32,
  N: u32,
  V: u32,
  blocks: u32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> block_maxima: array<f32>;
@group(0) @binding(3) var<storage, read_write> maxima: array<f32>;

@compute @workgroup_size(GROUP_SIZE)
fn block(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  let row = item / params.blocks;
  let start = (item % params.blocks) * 64u;
  if (row >= params.N) {
    return;
  }
  let base = row * params.V;
  var largest = mul(x[base + start], params.scale);
  for (var v = start + 1u; v < min(start + 64u, params.V); v++) {
    let z = mul(x[base + v], params.scale);
    largest = select(largest, z, z > largest);
  }
  block_maxima[item] = largest;
}

const ROW_LANES = 64u;
var<workgroup> lane_maxima: array<f32, ROW_LANES>;

@compute @workgroup_size(ROW_LANES)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  arm_barrier(params.zero);
  let row = workgroup_number(group, groups);
  // A workgroup past the last row reads that row again and writes nothing, so that every lane reaches the
  // barrier.
  let base = min(row, params.N - 1u) * params.blocks;
  var largest = block_maxima[base];
  for (var block = lane; block < params.blocks; block += ROW_LANES) {
    let z = block_maxima[base + block];
    largest = select(largest, z, z > largest);
  }
  lane_maxima[lane] = largest;
  workgroupBarrier();
  if (lane == 0u && row < params.N) {
    for (var i = 1u; i < ROW_LANES; i++) {
      let z = lane_maxima[i];
      largest = select(largest, z, z > largest);
    }
    maxima[row] = largest;
  }
}
