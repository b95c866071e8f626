//! import barrier
//! import grid
// Rows of x [N, 4 words] as signed bytes, four in a word, with a power of two a row as scale. Entry `scales`
// finds each row's scale from its largest exponent, one workgroup a row; `main` writes the words, one
// invocation a word. Bits only: no f32 arithmetic.

struct Params {
  zero: u32,
  N: u32,
  words: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> q: array<u32>;
@group(0) @binding(3) var<storage, read_write> scale: array<f32>;

const ROW_LANES = 64u;
var<workgroup> lane_fields: array<u32, ROW_LANES>;

@compute @workgroup_size(ROW_LANES)
fn scales(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  arm_barrier(params.zero);
  let row = workgroup_number(group, groups);
  // A workgroup past the last row reads that row again and writes nothing, so that every lane reaches the
  // barrier.
  let base = min(row, params.N - 1u) * params.words;
  var largest = 0u;
  for (var at = lane; at < params.words; at += ROW_LANES) {
    let fields = (bitcast<vec4<u32>>(x[base + at]) >> vec4<u32>(23u)) & vec4<u32>(0xffu);
    largest = max(largest, max(max(fields.x, fields.y), max(fields.z, fields.w)));
  }
  lane_fields[lane] = largest;
  workgroupBarrier();
  if (lane == 0u && row < params.N) {
    for (var i = 1u; i < ROW_LANES; i++) {
      largest = max(largest, lane_fields[i]);
    }
    scale[row] = bitcast<f32>((max(largest, 8u) - 6u) << 23u);
  }
}

// The integer nearest to the value over 2^(field - 127), the even one of two, within -127 .. 127, in the
// lowest eight bits.
fn byte_of(bits: u32, field: u32) -> u32 {
  let significand = (bits & 0x7fffffu) | 0x800000u;
  // At least 17. From 25 on the value is less than half of the least step.
  let shift = 23u + field - ((bits >> 23u) & 0xffu);
  let places = min(shift, 25u);
  let whole = significand >> places;
  let rounded = (significand + (1u << (places - 1u)) - 1u + (whole & 1u)) >> places;
  let limited = min(rounded, 127u);
  return select(limited, 0u - limited, bits >> 31u == 1u) & 0xffu;
}

@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  if (item >= params.N * params.words) {
    return;
  }
  let field = bitcast<u32>(scale[item / params.words]) >> 23u;
  let bits = bitcast<vec4<u32>>(x[item]);
  q[item] = byte_of(bits.x, field)
    | (byte_of(bits.y, field) << 8u)
    | (byte_of(bits.z, field) << 16u)
    | (byte_of(bits.w, field) << 24u);
}
