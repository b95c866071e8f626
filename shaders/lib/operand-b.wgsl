//! import vector
//! import bf16
// Reads the right operand of a product, rounded to the lattice. A kernel that imports this declares the
// binding `b` and the constants VECTORS (b is read four elements at a time) and BF16 (b holds two bf16 a
// word).

//# if VECTORS
//# else
fn b_at(at: u32) -> f32 {
//# if BF16
  return lattice_rounded(bf16_bits(b[at / 2u], at));
//# else
  return lattice(b[at]);
//# end
}
//# end

// The four neighbours from element `at` on. Elements from the `count`-th on are +0; with VECTORS there are at
// least four.
fn b_four_at(at: u32, count: u32) -> vec4<f32> {
//# if VECTORS
//# if BF16
  return lattice_bf16x4(b[at / 4u]);
//# else
  return lattice4(b[at / 4u]);
//# end
//# else
  var x = vec4<f32>(b_at(at), 0.0, 0.0, 0.0);
  if (count > 1u) {
    x.y = b_at(at + 1u);
  }
  if (count > 2u) {
    x.z = b_at(at + 2u);
  }
  if (count > 3u) {
    x.w = b_at(at + 3u);
  }
  return x;
//# end
}
