//! import barrier
//! import grid
//! import sha256
// RFC 6962 leaf hashes of a tensor's bytes: out[leaf] = SHA-256(0x00 || bytes of the leaf). Leaves have 4,096
// bytes; the last one may be shorter. One invocation a leaf. A hash is eight words whose big-endian bytes are
// the digest.

struct Params {
  zero: u32,
  // Bytes of the tensor, not a multiple of 4 for an odd number of bf16.
  bytes: u32,
  leaves: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> data: array<u32>;
@group(0) @binding(2) var<storage, read_write> out: array<u32>;

const LEAF_BYTES = 4096u;

// Word `i` of a leaf, big-endian. Bytes from number `bytes` on are zero.
fn leaf_word(first: u32, i: u32, bytes: u32) -> u32 {
  if (i * 4u >= bytes) {
    return 0u;
  }
  let word = swap_bytes(data[first + i]);
  let beyond = i * 4u + 4u;
  return select(word, word & (0xffffffffu << (8u * (beyond - bytes) % 32u)), beyond > bytes);
}

@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let leaf = work_item(group, groups, local);
  if (leaf >= params.leaves) {
    return;
  }
  let first = leaf * (LEAF_BYTES / 4u);
  let bytes = min(params.bytes - leaf * LEAF_BYTES, LEAF_BYTES);
  // The prefix 0x00 shifts the message by one byte. After the message come 0x80 and, at the very end, the
  // length in bits.
  let length = bytes + 1u;
  let blocks = (length + 8u) / 64u + 1u;
  let marker = length / 4u;
  var state = sha256_start();
  var before = 0u;
  for (var block = 0u; block < blocks; block++) {
    var words = array<u32, 16>();
//# for i in 16
    {
      let at = block * 16u + $iu;
      let word = leaf_word(first, at, bytes);
      words[$i] = (before << 24u) | (word >> 8u);
      before = word;
      if (at == marker) {
        words[$i] |= 0x80u << (24u - 8u * (length % 4u));
      }
    }
//# end
    if (block + 1u == blocks) {
      words[15] = length * 8u;
    }
    sha256_block(&state, &words);
  }
//# for i in 8
  out[leaf * 8u + $iu] = state[$i];
//# end
}
