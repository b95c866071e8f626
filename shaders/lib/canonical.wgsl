//! import barrier
// Canonical f32 (docs/repops.md, "The arithmetic"; compute/repops/arithmetic.ts is the definition).

fn canon(x: f32) -> f32 {
  return canon_bits(bitcast<u32>(opaque(x)));
}

// canon of stored bits. Bits that are no canonical f32 must not pass through an f32 before.
fn canon_bits(bits: u32) -> f32 {
  let exponent = (bits >> 23u) & 0xffu;
  let saturated = select(bits, (bits & 0x80000000u) | 0x7f7fffffu, exponent == 255u);
  return bitcast<f32>(select(saturated, 0u, exponent <= 1u));
}

fn add(a: f32, b: f32) -> f32 {
  return canon(a + b);
}

fn sub(a: f32, b: f32) -> f32 {
  return canon(a - b);
}

fn mul(a: f32, b: f32) -> f32 {
  return canon(a * b);
}

// canon(-x), so -0 becomes +0.
fn negate(x: f32) -> f32 {
  return canon(bitcast<f32>(bitcast<u32>(x) ^ 0x80000000u));
}
