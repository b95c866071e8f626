//! import barrier
//! import grid
//! import sha256
// One level of an RFC 6962 tree: out[i] = SHA-256(0x01 || below[2i] || below[2i + 1]). An odd last hash is
// copied, which gives the RFC's tree of any number of leaves. One invocation a node.

struct Params {
  zero: u32,
  // Number of hashes below.
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> below: array<u32>;
@group(0) @binding(2) var<storage, read_write> out: array<u32>;

@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let node = work_item(group, groups, local);
  if (node * 2u >= params.count) {
    return;
  }
  let at = node * 16u;
  if (node * 2u + 1u == params.count) {
    for (var i = 0u; i < 8u; i++) {
      out[node * 8u + i] = below[at + i];
    }
    return;
  }
  var state = sha256_start();
  var words = array<u32, 16>();
  var before = 1u;
//# for i in 16
  let word_$i = below[at + $iu];
  words[$i] = (before << 24u) | (word_$i >> 8u);
  before = word_$i;
//# end
  sha256_block(&state, &words);
  var rest = array<u32, 16>();
  rest[0] = (before << 24u) | 0x800000u;
  rest[15] = 65u * 8u;
  sha256_block(&state, &rest);
//# for i in 8
  out[node * 8u + $iu] = state[$i];
//# end
}
