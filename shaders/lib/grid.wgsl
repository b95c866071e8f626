//! import slice
// Work items are numbered along x and then y, because a dispatch has at most 65535 workgroups in each direction.
const GROUP_SIZE = 64u;

fn work_item(group: vec3<u32>, groups: vec3<u32>, local: u32) -> u32 {
  return group_number(group, groups) * GROUP_SIZE + local;
}
