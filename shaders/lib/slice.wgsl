// The workgroups of a dispatch are one line, of which a submission may hold a part: the part's first number is here.
struct Slice {
  first_group: u32,
}

@group(0) @binding(15) var<uniform> slice: Slice;

fn group_number(group: vec3<u32>, groups: vec3<u32>) -> u32 {
  return slice.first_group + group.y * groups.x + group.x;
}
