//! import barrier
//! import grid
// Sorts the pairs (id, row) of embed.grad by id and then by row, in a bitonic network (Batcher 1968); a
// workgroup sorts a chunk of 128 pairs. `chunks` makes the pairs and sorts each chunk. Then, for every k from
// 256 up, `exchange` does the distances j from k / 2 down to 128, and `merge` does the smaller ones. Pairs
// beyond row N sort last.

struct Params {
  zero: u32,
  N: u32,
  pairs: u32,
  k: u32,
  j: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> sorted: array<vec2<u32>>;

const LANES = 64u;
const CHUNK = 128u;
var<workgroup> chunk: array<vec2<u32>, CHUNK>;

fn before(a: vec2<u32>, b: vec2<u32>) -> bool {
  return a.x < b.x || (a.x == b.x && a.y < b.y);
}

// Whether a and b, in this order, must be exchanged, in a run that the network's step k sorts up or down.
fn swaps(a: vec2<u32>, b: vec2<u32>, up: bool) -> bool {
  return select(before(a, b), before(b, a), up);
}

// The exchanges at one distance j of the network, within the chunk that starts at `base`.
fn exchange_in_chunk(lane: u32, base: u32, k: u32, j: u32) {
  let low = lane / j * (2u * j) + lane % j;
  let a = chunk[low];
  let b = chunk[low + j];
  if (swaps(a, b, ((base + low) & k) == 0u)) {
    chunk[low] = b;
    chunk[low + j] = a;
  }
}

@compute @workgroup_size(LANES)
fn chunks(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  arm_barrier(params.zero);
  let base = workgroup_number(group, groups) * CHUNK;
  if (base >= params.pairs) {
    return;
  }
  for (var i = lane; i < CHUNK; i += LANES) {
    let row = base + i;
    if (row < params.N) {
      chunk[i] = vec2<u32>(ids[row], row);
    } else {
      chunk[i] = vec2<u32>(0xffffffffu, row);
    }
  }
  workgroupBarrier();
  for (var k = 2u; k <= CHUNK; k <<= 1u) {
    for (var j = k >> 1u; j > 0u; j >>= 1u) {
      exchange_in_chunk(lane, base, k, j);
      workgroupBarrier();
    }
  }
  for (var i = lane; i < CHUNK; i += LANES) {
    sorted[base + i] = chunk[i];
  }
}

@compute @workgroup_size(LANES)
fn exchange(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  if (item >= params.pairs / 2u) {
    return;
  }
  let low = item / params.j * (2u * params.j) + item % params.j;
  let a = sorted[low];
  let b = sorted[low + params.j];
  if (swaps(a, b, (low & params.k) == 0u)) {
    sorted[low] = b;
    sorted[low + params.j] = a;
  }
}

@compute @workgroup_size(LANES)
fn merge(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  arm_barrier(params.zero);
  let base = workgroup_number(group, groups) * CHUNK;
  if (base >= params.pairs) {
    return;
  }
  for (var i = lane; i < CHUNK; i += LANES) {
    chunk[i] = sorted[base + i];
  }
  workgroupBarrier();
  for (var j = CHUNK >> 1u; j > 0u; j >>= 1u) {
    exchange_in_chunk(lane, base, params.k, j);
    workgroupBarrier();
  }
  for (var i = lane; i < CHUNK; i += LANES) {
    sorted[base + i] = chunk[i];
  }
}
