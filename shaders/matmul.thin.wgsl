//! import vector
//! import slice
// c[m, n] = canon(lattice fold over k of a[m, k] * b[k, n]) for at most ROWS rows, as in generating a token: each value of b is
// read once. a comes from matmul.pack, on the lattice and +0 up to a multiple of 4 beyond K. A fold that is too long for one
// dispatch goes on at `first` from what stands in c. LANES_K fold blocks of an output are summed at a time by as many
// invocations, and then added in order by one.
// Entry `along_k` is for a b whose columns lie along k in memory, one output column an invocation; `along_n` for the other
// layout, four columns an invocation. Constants are set for each device (compute/engines/webgpu/tuning/tuning.ts).

struct Params {
  zero: u32,
  M: u32,
  N: u32,
  K: u32,
  // Fours of values from one row of a to the next.
  a_stride: u32,
  b_stride: u32,
  first: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;
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
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

// b's neighbours come in fours.
const VECTORS = 0u;
// b holds two bf16 a word.
const BF16 = 0u;
// 1, 2, 4 or 8; rows from M on are not computed.
const ROWS = 1u;
const LANES_N = 16u;
const LANES_K = 4u;

const LANES = LANES_N * LANES_K;
const BLOCK = 64u;

var<workgroup> exchange: array<f32, LANES>;
var<workgroup> exchange4: array<vec4<f32>, LANES>;

//# if VECTORS
//# else
// One value of b, on the lattice.
fn b_at(at: u32) -> f32 {
//# if BF16
  return lattice_rounded(select(b[at / 2u] << 16u, b[at / 2u] & 0xffff0000u, at % 2u == 1u));
//# else
  return lattice(b[at]);
//# end
}
//# end

// Four neighbours of a stored row of b, on the lattice; +0 from `columns` on.
fn load_b(row: u32, column: u32, columns: u32) -> vec4<f32> {
  let at = row * params.b_stride + column;
//# if VECTORS
//# if BF16
  return lattice_bf16x4(b[at / 4u]);
//# else
  return lattice4(b[at / 4u]);
//# end
//# else
  var x = vec4<f32>(b_at(at), 0.0, 0.0, 0.0);
  if (column + 1u < columns) {
    x.y = b_at(at + 1u);
  }
  if (column + 2u < columns) {
    x.z = b_at(at + 2u);
  }
  if (column + 3u < columns) {
    x.w = b_at(at + 3u);
  }
  return x;
//# end
}

@compute @workgroup_size(LANES)
fn along_k(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  arm_barrier(params.zero);
  let n = group_number(group, groups) * LANES_N + lane % LANES_N;
  let lane_k = lane / LANES_N;
//# for r in ROWS
  var total_$r = 0.0;
  if (params.first > 0u && $ru < params.M && n < params.N) {
    total_$r = c[$ru * params.N + n];
  }
//# end
  for (var round = params.first; round < params.K; round += LANES_K * BLOCK) {
    let block = round + lane_k * BLOCK;
//# for r in ROWS
    var sum_$r = 0.0;
//# end
    if (n < params.N) {
      for (var k = block; k < min(block + BLOCK, params.K); k += 4u) {
        let right = load_b(n, k, params.K);
//# for r in ROWS
        if ($ru < params.M) {
          let left = a[$ru * params.a_stride + k / 4u];
          sum_$r = lattice_step(sum_$r, left.x, right.x);
          sum_$r = lattice_step(sum_$r, left.y, right.y);
          sum_$r = lattice_step(sum_$r, left.z, right.z);
          sum_$r = lattice_step(sum_$r, left.w, right.w);
        }
//# end
      }
    }
//# for r in ROWS
    exchange[lane] = sum_$r;
    workgroupBarrier();
    if (lane_k == 0u) {
      for (var i = 0u; i < LANES_K; i++) {
        total_$r = opaque(total_$r + exchange[i * LANES_N + lane]);
      }
    }
    workgroupBarrier();
//# end
  }
  if (lane_k == 0u && n < params.N) {
//# for r in ROWS
    if ($ru < params.M) {
      c[$ru * params.N + n] = canon(total_$r);
    }
//# end
  }
}

// What the dispatch before left in c, four columns.
fn stored(m: u32, n: u32) -> vec4<f32> {
  var x = vec4<f32>();
  for (var j = 0u; j < min(params.N - min(n, params.N), 4u); j++) {
    x[j] = c[m * params.N + n + j];
  }
  return x;
}

@compute @workgroup_size(LANES)
fn along_n(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  arm_barrier(params.zero);
  let n = (group_number(group, groups) * LANES_N + lane % LANES_N) * 4u;
  let lane_k = lane / LANES_N;
//# for r in ROWS
  var total_$r = vec4<f32>();
  if (params.first > 0u && $ru < params.M) {
    total_$r = stored($ru, n);
  }
//# end
  for (var round = params.first; round < params.K; round += LANES_K * BLOCK) {
    let block = round + lane_k * BLOCK;
//# for r in ROWS
    var sum_$r = vec4<f32>();
//# end
    if (n < params.N) {
      for (var k = block; k < min(block + BLOCK, params.K); k += 4u) {
        // Beyond K the left values are +0, so it does not matter which row of b they meet.
//# for i in 4
        let right_$i = load_b(min(k + $iu, params.K - 1u), n, params.N);
//# end
//# for r in ROWS
        if ($ru < params.M) {
          let left = a[$ru * params.a_stride + k / 4u];
          sum_$r = lattice_step4(sum_$r, left.x, right_0);
          sum_$r = lattice_step4(sum_$r, left.y, right_1);
          sum_$r = lattice_step4(sum_$r, left.z, right_2);
          sum_$r = lattice_step4(sum_$r, left.w, right_3);
        }
//# end
      }
    }
//# for r in ROWS
    exchange4[lane] = sum_$r;
    workgroupBarrier();
    if (lane_k == 0u) {
      for (var i = 0u; i < LANES_K; i++) {
        total_$r = opaque4(total_$r + exchange4[i * LANES_N + lane]);
      }
    }
    workgroupBarrier();
//# end
  }
  if (lane_k == 0u && n < params.N) {
//# for r in ROWS
    if ($ru < params.M) {
      let out = canon4(total_$r);
      let at = $ru * params.N + n;
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
    }
//# end
  }
}
