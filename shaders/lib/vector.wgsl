//! import lattice
// Canonical arithmetic and the operand lattice on vectors. Each component is the result of the scalar
// function.

fn canon4(x: vec4<f32>) -> vec4<f32> {
  return vec4<f32>(canon(x.x), canon(x.y), canon(x.z), canon(x.w));
}

fn lattice4(x: vec4<f32>) -> vec4<f32> {
  return vec4<f32>(lattice(x.x), lattice(x.y), lattice(x.z), lattice(x.w));
}

// The lattice values of bf16 elements, two a word, the first in the low half. The bits may be any, NaN
// included, so they must not pass through an f32 before.
fn lattice_bf16x2(word: u32) -> vec2<f32> {
  return vec2<f32>(lattice_rounded(word << 16u), lattice_rounded(word & 0xffff0000u));
}

fn lattice_bf16x4(words: vec2<u32>) -> vec4<f32> {
  return vec4<f32>(lattice_bf16x2(words.x), lattice_bf16x2(words.y));
}
