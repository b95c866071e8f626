// The barrier variant passes every f32 result through an exclusive or with a word that only the host knows to
// be zero, so that a compiler under fast math can neither reassociate nor contract across it.
var<private> barrier_word: u32;

fn arm_barrier(zero: u32) {
  barrier_word = zero;
}

fn opaque(x: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(x) ^ barrier_word);
}

fn opaque4(x: vec4<f32>) -> vec4<f32> {
  return bitcast<vec4<f32>>(bitcast<vec4<u32>>(x) ^ vec4<u32>(barrier_word));
}
