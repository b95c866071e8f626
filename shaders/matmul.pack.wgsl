//! import bf16
//! import lattice
//! import grid
// Packs an operand for matmul.register-tiled: its values on the lattice as bf16, two neighbours along k a
// word, the first in the low half, and +0 beyond K. An invocation packs PAIRS words of one line (a row of a,
// or a column of b). Entry `rounded` writes the values as f32, for matmul.gemv.

struct Params {
  zero: u32,
  lines: u32,
  K: u32,
  pairs: u32,
  // Distances of neighbouring lines and of neighbours along k in x, and of lines and pairs in the packed
  // operand.
  line_stride: u32,
  k_stride: u32,
  packed_line: u32,
  packed_pair: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
//# if BF16
@group(0) @binding(1) var<storage, read> x: array<u32>;
//# else
@group(0) @binding(1) var<storage, read> x: array<f32>;
//# end
@group(0) @binding(2) var<storage, read_write> packed: array<u32>;
@group(0) @binding(3) var<storage, read_write> values: array<f32>;

// x holds two bf16 a word.
const BF16 = 0u;
const PAIRS = 16u;

fn value_at(at: u32) -> f32 {
//# if BF16
  return lattice_rounded(bf16_bits(x[at / 2u], at));
//# else
  return lattice(x[at]);
//# end
}

// The bf16 bits of a value on the lattice.
fn half_at(at: u32) -> u32 {
  return bitcast<u32>(value_at(at)) >> 16u;
}

@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, lane);
  let line = item % params.lines;
  let first = item / params.lines * PAIRS;
  for (var pair = first; pair < min(first + PAIRS, params.pairs); pair++) {
    let at = line * params.line_stride + pair * 2u * params.k_stride;
    var word = half_at(at);
    if (pair * 2u + 1u < params.K) {
      word |= half_at(at + params.k_stride) << 16u;
    }
    packed[line * params.packed_line + pair * params.packed_pair] = word;
  }
}

@compute @workgroup_size(GROUP_SIZE)
fn rounded(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, lane);
  let line = item % params.lines;
  let first = item / params.lines * PAIRS;
  for (var pair = first; pair < min(first + PAIRS, params.pairs); pair++) {
    let at = line * params.line_stride + pair * 2u * params.k_stride;
    let to = line * params.packed_line + pair * params.packed_pair;
    var value = 0.0;
    if (pair * 2u < params.K) {
      value = value_at(at);
    }
    values[to] = value;
    var next = 0.0;
    if (pair * 2u + 1u < params.K) {
      next = value_at(at + params.k_stride);
    }
    values[to + 1u] = next;
  }
}
