// Numbers the workgroups of a dispatch along one line. The engine may submit the line in parts; the uniform
// then holds the number of the part's first workgroup.
struct WorkgroupOffset {
  first: u32,
}

@group(0) @binding(15) var<uniform> workgroup_offset: WorkgroupOffset;

fn workgroup_number(group: vec3<u32>, groups: vec3<u32>) -> u32 {
  return workgroup_offset.first + group.y * groups.x + group.x;
}
