//! import barrier
//! import grid
// For each row n: the next row with the same id (N when there is none), and whether n is the first of its id.
// Links replace a sort, so that embed.grad can walk the rows of an id in ascending order.

struct Params {
  zero: u32,
  N: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> next: array<u32>;
@group(0) @binding(3) var<storage, read_write> first: array<u32>;

@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  if (item >= params.N) {
    return;
  }
  let id = ids[item];
  var earlier = 0u;
  while (earlier < item && ids[earlier] != id) {
    earlier++;
  }
  first[item] = select(0u, 1u, earlier == item);
  var later = item + 1u;
  while (later < params.N && ids[later] != id) {
    later++;
  }
  next[item] = later;
}
