//! import lattice
// c[m, n] = canon(lattice fold over k of a[m, k] * b[k, n]): 32 x 32 outputs a workgroup, 4 x 4 an invocation.
// Operands are rounded to the lattice once, on their way into workgroup memory. `split` computes one fold block a
// workgroup into partials[block, m, n] (c's binding), for products with few tiles and a long k; fold.combine adds them.

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

const TILE = 32u;
// Small, because SwiftShader takes a second to compile the clearing of 4 KiB of workgroup memory.
const STEP = 8u;
const BLOCK = 64u;

// Laid out [k][m / 4] and [k][n / 4].
var<workgroup> a_tile: array<vec4<f32>, 64>;
var<workgroup> b_tile: array<vec4<f32>, 64>;

fn load_a(m: u32, k: u32, k_end: u32) -> f32 {
  if (m >= params.M || k >= k_end) {
    return 0.0;
  }
  return lattice(a[m * params.a_stride_m + k * params.a_stride_k]);
}

fn load_b(k: u32, n: u32, k_end: u32) -> f32 {
  if (n >= params.N || k >= k_end) {
    return 0.0;
  }
  return lattice(b[k * params.b_stride_k + n * params.b_stride_n]);
}

// Four rows of four neighbouring outputs.
struct Sums {
  r0: vec4<f32>,
  r1: vec4<f32>,
  r2: vec4<f32>,
  r3: vec4<f32>,
}

// The fold block that starts at `block`, summed in order from +0. Called in uniform control flow only.
fn fold_block(block: u32, row: u32, column: u32, lane: u32) -> Sums {
  // Each invocation loads four neighbours along k, or along m (n), whichever lie next to each other in memory.
  let along_k = vec2<u32>(lane % 2u * 4u, lane / 2u);
  let across = vec2<u32>(lane / 8u, lane % 8u * 4u);
  let a_along_k = params.a_stride_k == 1u;
  let b_along_k = params.b_stride_k == 1u;
  let block_end = min(block + BLOCK, params.K);
  var sums = Sums();
  for (var k0 = block; k0 < block_end; k0 += STEP) {
    for (var i = 0u; i < 4u; i++) {
      if (a_along_k) {
        let k = along_k.x + i;
        a_tile[k * 8u + along_k.y / 4u][along_k.y % 4u] = load_a(row + along_k.y, k0 + k, block_end);
      } else {
        a_tile[lane][i] = load_a(row + across.y + i, k0 + across.x, block_end);
      }
      if (b_along_k) {
        let k = along_k.x + i;
        b_tile[k * 8u + along_k.y / 4u][along_k.y % 4u] = load_b(k0 + k, column + along_k.y, block_end);
      } else {
        b_tile[lane][i] = load_b(k0 + across.x, column + across.y + i, block_end);
      }
    }
    workgroupBarrier();
    for (var k = 0u; k < min(STEP, block_end - k0); k++) {
      let left = a_tile[k * 8u + lane / 8u];
      let right = b_tile[k * 8u + lane % 8u];
      sums.r0 = lattice_step4(sums.r0, left.x, right);
      sums.r1 = lattice_step4(sums.r1, left.y, right);
      sums.r2 = lattice_step4(sums.r2, left.z, right);
      sums.r3 = lattice_step4(sums.r3, left.w, right);
    }
    workgroupBarrier();
  }
  return sums;
}

fn store(base: u32, m: u32, n: u32, sums: vec4<f32>) {
  if (m >= params.M) {
    return;
  }
  for (var j = 0u; j < 4u; j++) {
    if (n + j < params.N) {
      c[base + m * params.N + n + j] = canon(sums[j]);
    }
  }
}

fn store_all(base: u32, row: u32, column: u32, lane: u32, sums: Sums) {
  let m = row + lane / 8u * 4u;
  let n = column + lane % 8u * 4u;
  store(base, m, n, sums.r0);
  store(base, m + 1u, n, sums.r1);
  store(base, m + 2u, n, sums.r2);
  store(base, m + 3u, n, sums.r3);
}

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  arm_barrier(params.zero);
  let row = group.y * TILE;
  let column = group.x * TILE;
  var total = Sums();
  for (var block = 0u; block < params.K; block += BLOCK) {
    let sums = fold_block(block, row, column, lane);
    total.r0 = opaque4(total.r0 + sums.r0);
    total.r1 = opaque4(total.r1 + sums.r1);
    total.r2 = opaque4(total.r2 + sums.r2);
    total.r3 = opaque4(total.r3 + sums.r3);
  }
  store_all(0u, row, column, lane, total);
}

@compute @workgroup_size(8, 8)
fn split(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  arm_barrier(params.zero);
  let row = group.y * TILE;
  let column = group.x * TILE;
  let sums = fold_block(group.z * BLOCK, row, column, lane);
  store_all(group.z * params.M * params.N, row, column, lane, sums);
}
