//! import canonical
// Elementary functions, step for step as in compute/repops/functions.ts. Constants are written as their bits.

const MAX_FINITE_BITS = 0x7f7fffffu;
const ROUND_MAGIC_BITS = 0x4b400000u;

fn constant(bits: u32) -> f32 {
  return bitcast<f32>(bits);
}

fn recip(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let magnitude = bits & 0x7fffffffu;
  let m = bitcast<f32>(magnitude);
  var y = canon(bitcast<f32>(0x7ef311c3u - magnitude));
  for (var i = 0u; i < 4u; i++) {
    y = mul(y, sub(2.0, mul(m, y)));
  }
  let signed = canon(bitcast<f32>(bitcast<u32>(y) | (bits & 0x80000000u)));
  let limited = select(signed, 0.0, magnitude >= 0x7d800000u);
  return select(limited, constant(MAX_FINITE_BITS), magnitude == 0u);
}

fn rsqrt_canonical(x: f32) -> f32 {
  let half = mul(0.5, x);
  var y = bitcast<f32>(0x5f375a86u - (bitcast<u32>(x) >> 1u));
  for (var i = 0u; i < 4u; i++) {
    y = mul(y, sub(1.5, mul(mul(half, y), y)));
  }
  return select(constant(MAX_FINITE_BITS), y, x > 0.0);
}

fn sqrt_canonical(x: f32) -> f32 {
  return select(0.0, mul(x, rsqrt_canonical(x)), x > 0.0);
}

fn scale_by_power_of_two(p: f32, n: i32) -> f32 {
  let bits = bitcast<u32>(p);
  let exponent = i32(bits >> 23u) + n;
  let scaled = (bits & 0x007fffffu) | (u32(clamp(exponent, 0, 254)) << 23u);
  let limited = select(scaled, MAX_FINITE_BITS, exponent >= 255);
  return bitcast<f32>(select(limited, 0u, exponent <= 1));
}

fn exp_canonical(x: f32) -> f32 {
  let shifted = add(mul(x, constant(0x3fb8aa3bu)), constant(ROUND_MAGIC_BITS));
  let n = bitcast<i32>(bitcast<u32>(shifted) - ROUND_MAGIC_BITS);
  let nf = f32(n);
  let r = sub(sub(x, mul(nf, constant(0x3f318000u))), mul(nf, constant(0xb95e8083u)));
  var p = constant(0x39506967u);
  p = add(mul(p, r), constant(0x3ab743ceu));
  p = add(mul(p, r), constant(0x3c088908u));
  p = add(mul(p, r), constant(0x3d2aa9c1u));
  p = add(mul(p, r), constant(0x3e2aaaaau));
  p = add(mul(p, r), constant(0x3f000000u));
  p = add(add(mul(p, mul(r, r)), r), 1.0);
  let inside = scale_by_power_of_two(p, n);
  let low = select(inside, 0.0, x < -87.0);
  return select(low, constant(MAX_FINITE_BITS), x > 88.0);
}

fn log_canonical(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let e = bitcast<i32>(bits - 0x3f3504f3u) >> 23u;
  let ef = f32(e);
  let m = bitcast<f32>(bits - (bitcast<u32>(e) << 23u));
  let f = sub(m, 1.0);
  let s = mul(f, recip(add(2.0, f)));
  let z = mul(s, s);
  var p = constant(0x3de38e39u);
  p = add(mul(p, z), constant(0x3e124925u));
  p = add(mul(p, z), constant(0x3e4ccccdu));
  p = add(mul(p, z), constant(0x3eaaaaabu));
  let two_s = add(s, s);
  let low = add(mul(ef, constant(0xb95e8083u)), mul(two_s, mul(p, z)));
  let result = add(mul(ef, constant(0x3f318000u)), add(two_s, low));
  return select(constant(0xff7fffffu), result, x > 0.0);
}

fn sigmoid(x: f32) -> f32 {
  return recip(add(1.0, exp_canonical(negate(x))));
}
