//! import canonical
// The operand lattice: bf16 values with magnitude 0 or in [2^-55, 2^52]. The product of two lattice values is
// exact.

fn lattice(x: f32) -> f32 {
  return lattice_bits(bitcast<u32>(x));
}

fn lattice_bits(bits: u32) -> f32 {
  return lattice_rounded((bits + 0x7fffu + ((bits >> 16u) & 1u)) & 0xffff0000u);
}

// The lattice value of bits that are a bf16 already: only the range has to be limited.
fn lattice_rounded(rounded: u32) -> f32 {
  let magnitude = rounded & 0x7fffffffu;
  let limited = (rounded & 0x80000000u) | min(magnitude, 0x59800000u);
  return bitcast<f32>(select(limited, 0u, magnitude < 0x24000000u));
}

// One step of a lattice fold. A fused multiply-add gives the same bits; only the order of the steps matters.
fn lattice_step(sum: f32, a: f32, b: f32) -> f32 {
  return opaque(sum + a * b);
}

// A lattice fold in blocks of 64. Terms come in order; a masked term is counted but not added.
struct LatticeFold {
  total: f32,
  partial: f32,
  count: u32,
}

fn lattice_fold_term(fold: ptr<function, LatticeFold>, a: f32, b: f32) {
  (*fold).partial = lattice_step((*fold).partial, a, b);
  (*fold).count = (*fold).count + 1u;
  if (((*fold).count & 63u) == 0u) {
    (*fold).total = opaque((*fold).total + (*fold).partial);
    (*fold).partial = 0.0;
  }
}

fn lattice_fold_result(fold: ptr<function, LatticeFold>) -> f32 {
  return canon((*fold).total + (*fold).partial);
}

fn lattice_step4(sum: vec4<f32>, a: f32, b: vec4<f32>) -> vec4<f32> {
  return opaque4(sum + a * b);
}
