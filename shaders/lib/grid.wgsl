//! import workgroups
// Numbers work items along one line, across workgroups. A dispatch has at most 65,535 workgroups in each
// direction, so the line goes along x and then along y.
const GROUP_SIZE = 64u;

fn work_item(group: vec3<u32>, groups: vec3<u32>, local: u32) -> u32 {
  return workgroup_number(group, groups) * GROUP_SIZE + local;
}
