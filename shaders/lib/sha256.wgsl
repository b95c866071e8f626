// SHA-256 (FIPS 180-4) of messages that are built word by word. Words are big-endian, as in the standard.

const SHA256_K = array<u32, 64>(
  0x428a2f98u, 0x71374491u, 0xb5c0fbcfu, 0xe9b5dba5u, 0x3956c25bu, 0x59f111f1u, 0x923f82a4u, 0xab1c5ed5u,
  0xd807aa98u, 0x12835b01u, 0x243185beu, 0x550c7dc3u, 0x72be5d74u, 0x80deb1feu, 0x9bdc06a7u, 0xc19bf174u,
  0xe49b69c1u, 0xefbe4786u, 0x0fc19dc6u, 0x240ca1ccu, 0x2de92c6fu, 0x4a7484aau, 0x5cb0a9dcu, 0x76f988dau,
  0x983e5152u, 0xa831c66du, 0xb00327c8u, 0xbf597fc7u, 0xc6e00bf3u, 0xd5a79147u, 0x06ca6351u, 0x14292967u,
  0x27b70a85u, 0x2e1b2138u, 0x4d2c6dfcu, 0x53380d13u, 0x650a7354u, 0x766a0abbu, 0x81c2c92eu, 0x92722c85u,
  0xa2bfe8a1u, 0xa81a664bu, 0xc24b8b70u, 0xc76c51a3u, 0xd192e819u, 0xd6990624u, 0xf40e3585u, 0x106aa070u,
  0x19a4c116u, 0x1e376c08u, 0x2748774cu, 0x34b0bcb5u, 0x391c0cb3u, 0x4ed8aa4au, 0x5b9cca4fu, 0x682e6ff3u,
  0x748f82eeu, 0x78a5636fu, 0x84c87814u, 0x8cc70208u, 0x90befffau, 0xa4506cebu, 0xbef9a3f7u, 0xc67178f2u,
);

fn sha256_start() -> array<u32, 8> {
  return array<u32, 8>(
    0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au,
    0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u,
  );
}

fn rotate_right(x: u32, by: u32) -> u32 {
  return (x >> by) | (x << (32u - by));
}

fn swap_bytes(x: u32) -> u32 {
  return (x >> 24u) | ((x >> 8u) & 0xff00u) | ((x << 8u) & 0xff0000u) | (x << 24u);
}

// Adds one block of 16 words. Sixteen of SHA-256's rounds are unrolled, so that the words stay in registers.
fn sha256_block(state: ptr<function, array<u32, 8>>, words: ptr<function, array<u32, 16>>) {
  var w = *words;
  var a = (*state)[0];
  var b = (*state)[1];
  var c = (*state)[2];
  var d = (*state)[3];
  var e = (*state)[4];
  var f = (*state)[5];
  var g = (*state)[6];
  var h = (*state)[7];
  for (var t = 0u; t < 64u; t += 16u) {
//# for i in 16
    if (t > 0u) {
      let w1_$i = w[($iu + 1u) % 16u];
      let w14_$i = w[($iu + 14u) % 16u];
      let s0_$i = rotate_right(w1_$i, 7u) ^ rotate_right(w1_$i, 18u) ^ (w1_$i >> 3u);
      let s1_$i = rotate_right(w14_$i, 17u) ^ rotate_right(w14_$i, 19u) ^ (w14_$i >> 10u);
      w[$i] += s0_$i + w[($iu + 9u) % 16u] + s1_$i;
    }
    let e_$i = rotate_right(e, 6u) ^ rotate_right(e, 11u) ^ rotate_right(e, 25u);
    let t1_$i = h + e_$i + ((e & f) ^ (~e & g)) + SHA256_K[t + $iu] + w[$i];
    let a_$i = rotate_right(a, 2u) ^ rotate_right(a, 13u) ^ rotate_right(a, 22u);
    let t2_$i = a_$i + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1_$i;
    d = c;
    c = b;
    b = a;
    a = t1_$i + t2_$i;
//# end
  }
  (*state)[0] += a;
  (*state)[1] += b;
  (*state)[2] += c;
  (*state)[3] += d;
  (*state)[4] += e;
  (*state)[5] += f;
  (*state)[6] += g;
  (*state)[7] += h;
}
