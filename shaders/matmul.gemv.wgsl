//! import operand-b
//! import workgroups
// c[m, n] = canon(lattice fold over k of a[m, k] * b[k, n]) for at most ROWS rows, as in generating a token:
// each value of b is read once. matmul.pack makes a: on the lattice, and +0 from K up to a multiple of 4. A
// fold that is too long for one dispatch continues at `first` from the sum in c. LANES_K invocations sum as
// many fold blocks of an output at a time, and one of them adds the block sums in order. Entry `along_k` is
// for a b whose neighbours in memory are neighbours along k, and computes one output column an invocation.
// Entry `along_n` is for the other layout, and computes four columns an invocation. The engine sets the
// constants for each device (compute/engines/webgpu/tuning/tuning.ts).

struct Params {
  zero: u32,
  M: u32,
  N: u32,
  K: u32,
  // Distance of neighbouring rows of a, in groups of four values, and of stored rows of b, in values.
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

// Whether stored rows of b are a multiple of four long, so that b is read four elements at a time.
const VECTORS = 0u;
// Whether b holds two bf16 a word.
const BF16 = 0u;
// Rows held in registers: 1, 2, 4 or 8. Rows from M on are not computed.
const ROWS = 1u;
const LANES_N = 16u;
const LANES_K = 4u;

const LANES = LANES_N * LANES_K;
const BLOCK = 64u;

var<workgroup> exchange: array<f32, LANES>;
var<workgroup> exchange4: array<vec4<f32>, LANES>;

@compute @workgroup_size(LANES)
fn along_k(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  arm_barrier(params.zero);
  let n = workgroup_number(group, groups) * LANES_N + lane % LANES_N;
  let lane_k = lane / LANES_N;
//# for r in ROWS
  var total_$r = 0.0;
  if (params.first > 0u && $ru < params.M && n < params.N) {
    total_$r = c[$ru * params.N + n];
  }
//# end
  for (var start = params.first; start < params.K; start += LANES_K * BLOCK) {
    let block = start + lane_k * BLOCK;
//# for r in ROWS
    var sum_$r = 0.0;
//# end
    if (n < params.N) {
      for (var k = block; k < min(block + BLOCK, params.K); k += 4u) {
        let right = b_four_at(n * params.b_stride + k, params.K - k);
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

// Four columns of the sum that the previous dispatch left in c.
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
  let n = (workgroup_number(group, groups) * LANES_N + lane % LANES_N) * 4u;
  let lane_k = lane / LANES_N;
//# for r in ROWS
  var total_$r = vec4<f32>();
  if (params.first > 0u && $ru < params.M) {
    total_$r = stored($ru, n);
  }
//# end
  for (var start = params.first; start < params.K; start += LANES_K * BLOCK) {
    let block = start + lane_k * BLOCK;
//# for r in ROWS
    var sum_$r = vec4<f32>();
//# end
    if (n < params.N) {
      for (var k = block; k < min(block + BLOCK, params.K); k += 4u) {
        // The values of a beyond K are +0, so any row of b may stand in for one beyond K.
//# for i in 4
        let right_$i = b_four_at(min(k + $iu, params.K - 1u) * params.b_stride + n, params.N - n);
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
