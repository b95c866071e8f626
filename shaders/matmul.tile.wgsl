//! import operand-b
//! import workgroups
// c[m, n] = canon(lattice fold over k of a[m, k] * b[k, n]). A workgroup computes a tile of outputs, an
// invocation (4 ROWS4) x (4 COLS4) of them. Operands are rounded to the lattice once, when they are copied
// into workgroup memory. With `parts` > 1, for products with few tiles and a long k, a workgroup computes one
// fold block of a tile into c[block, m, n], and fold.combine adds the blocks in order. A fold that is too
// long for one dispatch continues at `first` from the sum in c. The engine sets constants and conditions for
// each device (compute/engines/webgpu/tuning/tuning.ts).

struct Params {
  zero: u32,
  M: u32,
  N: u32,
  K: u32,
  // Whether neighbours in memory are neighbours along k, and the distance of those that are not; for a and
  // for b.
  a_along_k: u32,
  a_stride: u32,
  b_along_k: u32,
  b_stride: u32,
  tiles_n: u32,
  tiles: u32,
  parts: u32,
  first: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
//# if VECTORS
@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> c: array<vec4<f32>>;
//# else
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;
//# end
//# if BF16
//# if VECTORS
@group(0) @binding(2) var<storage, read> b: array<vec2<u32>>;
//# else
@group(0) @binding(2) var<storage, read> b: array<u32>;
//# end
//# else
//# if VECTORS
@group(0) @binding(2) var<storage, read> b: array<vec4<f32>>;
//# else
@group(0) @binding(2) var<storage, read> b: array<f32>;
//# end
//# end

// Whether every size is a multiple of 4, so that operands are read and written four values at a time.
const VECTORS = 0u;
// Whether b holds two bf16 a word.
const BF16 = 0u;
const ROWS4 = 1u;
const COLS4 = 1u;
const LANES_M = 8u;
const LANES_N = 8u;
// Values of k in workgroup memory at a time; divides 64.
const STEP = 8u;

const LANES = LANES_M * LANES_N;
// The tile's sides, in groups of four.
const TILE_M4 = LANES_M * ROWS4;
const TILE_N4 = LANES_N * COLS4;
const PATCHES_A = TILE_M4 * STEP / 4u;
const PATCHES_B = TILE_N4 * STEP / 4u;
const BLOCK = 64u;

// Laid out [k][m / 4] and [k][n / 4]. Only whole vectors are written, because writing one component may touch
// the others.
var<workgroup> a_tile: array<vec4<f32>, TILE_M4 * STEP>;
var<workgroup> b_tile: array<vec4<f32>, TILE_N4 * STEP>;

// Four neighbours of a stored row, on the lattice; +0 beyond the ends.
fn load_a(row: u32, column: u32, rows: u32, columns: u32) -> vec4<f32> {
  if (row >= rows || column >= columns) {
    return vec4<f32>();
  }
  let at = row * params.a_stride + column;
//# if VECTORS
  return lattice4(a[at / 4u]);
//# else
  var x = vec4<f32>(a[at], 0.0, 0.0, 0.0);
  if (column + 1u < columns) {
    x.y = a[at + 1u];
  }
  if (column + 2u < columns) {
    x.z = a[at + 2u];
  }
  if (column + 3u < columns) {
    x.w = a[at + 3u];
  }
  return lattice4(x);
//# end
}

fn load_b(row: u32, column: u32, rows: u32, columns: u32) -> vec4<f32> {
  if (row >= rows || column >= columns) {
    return vec4<f32>();
  }
  return b_four_at(row * params.b_stride + column, columns - column);
}

// Copies 4 x 4 values of a into the tile, transposed if neighbours in memory are neighbours along k.
fn fill_a(patch_number: u32, row: u32, k0: u32, k_end: u32) {
  if (params.a_along_k == 1u) {
    let k = patch_number % (STEP / 4u) * 4u;
    let m4 = patch_number / (STEP / 4u);
    let m = row + m4 * 4u;
    let x0 = load_a(m, k0 + k, params.M, k_end);
    let x1 = load_a(m + 1u, k0 + k, params.M, k_end);
    let x2 = load_a(m + 2u, k0 + k, params.M, k_end);
    let x3 = load_a(m + 3u, k0 + k, params.M, k_end);
    let at = k * TILE_M4 + m4;
    a_tile[at] = vec4<f32>(x0.x, x1.x, x2.x, x3.x);
    a_tile[at + TILE_M4] = vec4<f32>(x0.y, x1.y, x2.y, x3.y);
    a_tile[at + 2u * TILE_M4] = vec4<f32>(x0.z, x1.z, x2.z, x3.z);
    a_tile[at + 3u * TILE_M4] = vec4<f32>(x0.w, x1.w, x2.w, x3.w);
  } else {
    let m4 = patch_number % TILE_M4;
    let k = patch_number / TILE_M4 * 4u;
    let m = row + m4 * 4u;
    let at = k * TILE_M4 + m4;
    a_tile[at] = load_a(k0 + k, m, k_end, params.M);
    a_tile[at + TILE_M4] = load_a(k0 + k + 1u, m, k_end, params.M);
    a_tile[at + 2u * TILE_M4] = load_a(k0 + k + 2u, m, k_end, params.M);
    a_tile[at + 3u * TILE_M4] = load_a(k0 + k + 3u, m, k_end, params.M);
  }
}

fn fill_b(patch_number: u32, column: u32, k0: u32, k_end: u32) {
  if (params.b_along_k == 1u) {
    let k = patch_number % (STEP / 4u) * 4u;
    let n4 = patch_number / (STEP / 4u);
    let n = column + n4 * 4u;
    let x0 = load_b(n, k0 + k, params.N, k_end);
    let x1 = load_b(n + 1u, k0 + k, params.N, k_end);
    let x2 = load_b(n + 2u, k0 + k, params.N, k_end);
    let x3 = load_b(n + 3u, k0 + k, params.N, k_end);
    let at = k * TILE_N4 + n4;
    b_tile[at] = vec4<f32>(x0.x, x1.x, x2.x, x3.x);
    b_tile[at + TILE_N4] = vec4<f32>(x0.y, x1.y, x2.y, x3.y);
    b_tile[at + 2u * TILE_N4] = vec4<f32>(x0.z, x1.z, x2.z, x3.z);
    b_tile[at + 3u * TILE_N4] = vec4<f32>(x0.w, x1.w, x2.w, x3.w);
  } else {
    let n4 = patch_number % TILE_N4;
    let k = patch_number / TILE_N4 * 4u;
    let n = column + n4 * 4u;
    let at = k * TILE_N4 + n4;
    b_tile[at] = load_b(k0 + k, n, k_end, params.N);
    b_tile[at + TILE_N4] = load_b(k0 + k + 1u, n, k_end, params.N);
    b_tile[at + 2u * TILE_N4] = load_b(k0 + k + 2u, n, k_end, params.N);
    b_tile[at + 3u * TILE_N4] = load_b(k0 + k + 3u, n, k_end, params.N);
  }
}

fn store(base: u32, m: u32, n: u32, sums: vec4<f32>) {
  if (m >= params.M || n >= params.N) {
    return;
  }
  let at = base + m * params.N + n;
  let out = canon4(sums);
//# if VECTORS
  c[at / 4u] = out;
//# else
  c[at] = out.x;
  if (n + 1u < params.N) {
    c[at + 1u] = out.y;
  }
  if (n + 2u < params.N) {
    c[at + 2u] = out.z;
  }
  if (n + 3u < params.N) {
    c[at + 3u] = out.w;
  }
//# end
}

// Four columns of the sum that the previous dispatch left in c.
fn stored(m: u32, n: u32) -> vec4<f32> {
  if (m >= params.M || n >= params.N) {
    return vec4<f32>();
  }
  let at = m * params.N + n;
//# if VECTORS
  return c[at / 4u];
//# else
  var x = vec4<f32>(c[at], 0.0, 0.0, 0.0);
  if (n + 1u < params.N) {
    x.y = c[at + 1u];
  }
  if (n + 2u < params.N) {
    x.z = c[at + 2u];
  }
  if (n + 3u < params.N) {
    x.w = c[at + 3u];
  }
  return x;
//# end
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  arm_barrier(params.zero);
  let number = workgroup_number(group, groups);
  let part = number / params.tiles;
  if (part >= params.parts) {
    return;
  }
  let tile = number % params.tiles;
  let row = tile / params.tiles_n * (TILE_M4 * 4u);
  let column = tile % params.tiles_n * (TILE_N4 * 4u);
  let lane_m = lane / LANES_N;
  let lane_n = lane % LANES_N;
  let first = params.first + part * BLOCK;
  let last = select(params.K, min(first + BLOCK, params.K), params.parts > 1u);
//# for i in ROWS4
//# for j in COLS4
  var total_x_$i_$j = vec4<f32>();
  var total_y_$i_$j = vec4<f32>();
  var total_z_$i_$j = vec4<f32>();
  var total_w_$i_$j = vec4<f32>();
//# end
//# end
  if (params.first > 0u) {
//# for i in ROWS4
//# for j in COLS4
    {
      let m = row + ($iu * LANES_M + lane_m) * 4u;
      let n = column + ($ju * LANES_N + lane_n) * 4u;
      total_x_$i_$j = stored(m, n);
      total_y_$i_$j = stored(m + 1u, n);
      total_z_$i_$j = stored(m + 2u, n);
      total_w_$i_$j = stored(m + 3u, n);
    }
//# end
//# end
  }
  for (var block = first; block < last; block += BLOCK) {
    let block_end = min(block + BLOCK, last);
//# for i in ROWS4
//# for j in COLS4
    var sum_x_$i_$j = vec4<f32>();
    var sum_y_$i_$j = vec4<f32>();
    var sum_z_$i_$j = vec4<f32>();
    var sum_w_$i_$j = vec4<f32>();
//# end
//# end
    for (var k0 = block; k0 < block_end; k0 += STEP) {
      for (var at = lane; at < PATCHES_A + PATCHES_B; at += LANES) {
        if (at < PATCHES_A) {
          fill_a(at, row, k0, block_end);
        } else {
          fill_b(at - PATCHES_A, column, k0, block_end);
        }
      }
      workgroupBarrier();
      // Beyond block_end both operands are +0, whose product changes no sum.
      for (var k = 0u; k < STEP; k++) {
//# for i in ROWS4
        let left_$i = a_tile[k * TILE_M4 + $iu * LANES_M + lane_m];
//# end
//# for j in COLS4
        let right_$j = b_tile[k * TILE_N4 + $ju * LANES_N + lane_n];
//# end
//# for i in ROWS4
//# for j in COLS4
        sum_x_$i_$j = lattice_step4(sum_x_$i_$j, left_$i.x, right_$j);
        sum_y_$i_$j = lattice_step4(sum_y_$i_$j, left_$i.y, right_$j);
        sum_z_$i_$j = lattice_step4(sum_z_$i_$j, left_$i.z, right_$j);
        sum_w_$i_$j = lattice_step4(sum_w_$i_$j, left_$i.w, right_$j);
//# end
//# end
      }
      workgroupBarrier();
    }
//# for i in ROWS4
//# for j in COLS4
    total_x_$i_$j = opaque4(total_x_$i_$j + sum_x_$i_$j);
    total_y_$i_$j = opaque4(total_y_$i_$j + sum_y_$i_$j);
    total_z_$i_$j = opaque4(total_z_$i_$j + sum_z_$i_$j);
    total_w_$i_$j = opaque4(total_w_$i_$j + sum_w_$i_$j);
//# end
//# end
  }
  let base = part * params.M * params.N;
//# for i in ROWS4
//# for j in COLS4
  {
    let m = row + ($iu * LANES_M + lane_m) * 4u;
    let n = column + ($ju * LANES_N + lane_n) * 4u;
    store(base, m, n, total_x_$i_$j);
    store(base, m + 1u, n, total_y_$i_$j);
    store(base, m + 2u, n, total_z_$i_$j);
    store(base, m + 3u, n, total_w_$i_$j);
  }
//# end
//# end
}
