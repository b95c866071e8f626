//! import lattice
// c[m, n] = canon(lattice fold over k of a[m, k] * b[k, n]): 64 x 64 outputs a workgroup, 4 x 4 an invocation.
// Operands are rounded to the lattice once, on their way into workgroup memory.

struct Params {
  zero: u32,
  M: u32,
  N: u32,
  K: u32,
  a_stride_m: u32,
  a_stride_k: u32,
  b_stride_k: u32,
  b_stride_n: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

const TILE = 64u;
const STEP = 16u;
const BLOCK = 64u;

// Laid out [k][m] and [k][n].
var<workgroup> a_tile: array<f32, 1024>;
var<workgroup> b_tile: array<f32, 1024>;

@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  arm_barrier(params.zero);
  let row0 = group.y * TILE;
  let column0 = group.x * TILE;
  var total: array<vec4<f32>, 4>;
  for (var block = 0u; block < params.K; block += BLOCK) {
    var partial = array<vec4<f32>, 4>();
    let block_end = min(block + BLOCK, params.K);
    for (var k0 = block; k0 < block_end; k0 += STEP) {
      for (var e = lane; e < TILE * STEP; e += 256u) {
        // Neighbouring invocations read neighbouring addresses, whichever way the operand is stored.
        let a_along_k = params.a_stride_k == 1u;
        let am = select(e % TILE, e / STEP, a_along_k);
        let ak = select(e / TILE, e % STEP, a_along_k);
        let b_along_k = params.b_stride_k == 1u;
        let bn = select(e % TILE, e / STEP, b_along_k);
        let bk = select(e / TILE, e % STEP, b_along_k);
        var a_value = 0.0;
        if (row0 + am < params.M && k0 + ak < block_end) {
          a_value = lattice(a[(row0 + am) * params.a_stride_m + (k0 + ak) * params.a_stride_k]);
        }
        a_tile[ak * TILE + am] = a_value;
        var b_value = 0.0;
        if (column0 + bn < params.N && k0 + bk < block_end) {
          b_value = lattice(b[(k0 + bk) * params.b_stride_k + (column0 + bn) * params.b_stride_n]);
        }
        b_tile[bk * TILE + bn] = b_value;
      }
      workgroupBarrier();
      for (var k = 0u; k < STEP; k++) {
        let at = k * TILE + local.y * 4u;
        let bt = k * TILE + local.x * 4u;
        let right = vec4<f32>(b_tile[bt], b_tile[bt + 1u], b_tile[bt + 2u], b_tile[bt + 3u]);
        partial[0] = lattice_step4(partial[0], a_tile[at], right);
        partial[1] = lattice_step4(partial[1], a_tile[at + 1u], right);
        partial[2] = lattice_step4(partial[2], a_tile[at + 2u], right);
        partial[3] = lattice_step4(partial[3], a_tile[at + 3u], right);
      }
      workgroupBarrier();
    }
    for (var i = 0u; i < 4u; i++) {
      total[i] = opaque4(total[i] + partial[i]);
    }
  }
  for (var i = 0u; i < 4u; i++) {
    let m = row0 + local.y * 4u + i;
    for (var j = 0u; j < 4u; j++) {
      let n = column0 + local.x * 4u + j;
      if (m < params.M && n < params.N) {
        c[m * params.N + n] = canon(total[i][j]);
      }
    }
  }
}
