//! import lattice
//! import workgroups
// c[m, n] = canon(lattice fold over k of a[m, k] * b[k, n]) without workgroup memory. An invocation holds a
// tile of ROWS x COLS outputs in registers. Its columns lie LANES apart, so that neighbouring invocations
// read neighbouring words of b and the same words of a. matmul.pack makes the operands: a as [M][pairs], b as
// [pairs][N]. The engine sets the constants for each device (compute/engines/webgpu/tuning/tuning.ts).

struct Params {
  zero: u32,
  M: u32,
  N: u32,
  pairs: u32,
  tiles_n: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<u32>;
@group(0) @binding(2) var<storage, read> b: array<u32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

const ROWS = 4u;
const COLS = 4u;
const LANES = 16u;

// Pairs in a block of 64 terms.
const BLOCK = 32u;

fn low(word: u32) -> f32 {
  return bitcast<f32>(word << 16u);
}

fn high(word: u32) -> f32 {
  return bitcast<f32>(word & 0xffff0000u);
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  arm_barrier(params.zero);
  let tile = workgroup_number(group, groups);
  let row = tile / params.tiles_n * ROWS;
  let column = tile % params.tiles_n * (LANES * COLS) + lane;
  if (row >= params.M) {
    return;
  }
  // A row or column beyond the last repeats the last; its result is not stored.
//# for i in ROWS
  let a_$i = min(row + $iu, params.M - 1u) * params.pairs;
//# end
//# for j in COLS
  let b_$j = min(column + $ju * LANES, params.N - 1u);
//# end
//# for i in ROWS
//# for j in COLS
  var total_$i_$j = 0.0;
//# end
//# end
  for (var block = 0u; block < params.pairs; block += BLOCK) {
//# for i in ROWS
//# for j in COLS
    var sum_$i_$j = 0.0;
//# end
//# end
    for (var pair = block; pair < min(block + BLOCK, params.pairs); pair++) {
//# for j in COLS
      let right_$j = b[pair * params.N + b_$j];
      let low_$j = low(right_$j);
      let high_$j = high(right_$j);
//# end
//# for i in ROWS
      let left_$i = a[a_$i + pair];
//# for j in COLS
      sum_$i_$j = lattice_step(lattice_step(sum_$i_$j, low(left_$i), low_$j), high(left_$i), high_$j);
//# end
//# end
    }
//# for i in ROWS
//# for j in COLS
    total_$i_$j = opaque(total_$i_$j + sum_$i_$j);
//# end
//# end
  }
//# for i in ROWS
  if (row + $iu < params.M) {
//# for j in COLS
    if (column + $ju * LANES < params.N) {
      c[(row + $iu) * params.N + column + $ju * LANES] = canon(total_$i_$j);
    }
//# end
  }
//# end
}
