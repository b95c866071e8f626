// The native variant trusts the compiler to keep the order and rounding of f32 operations.
fn arm_barrier(zero: u32) {}

fn opaque(x: f32) -> f32 {
  return x;
}

fn opaque4(x: vec4<f32>) -> vec4<f32> {
  return x;
}
