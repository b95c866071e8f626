//! import functions
//! import row-sum
//! import workgroups
// Draws one id a row by inverse transform; one workgroup a row. The running sum at v is add(sum of the blocks
// before, sum within v's block up to v). So the kernel first finds the block whose sum passes the threshold,
// and then v in it.

struct Params {
  zero: u32,
  N: u32,
  V: u32,
  blocks: u32,
  greedy: u32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> uniforms: array<f32>;
@group(0) @binding(3) var<storage, read> maxima: array<f32>;
@group(0) @binding(4) var<storage, read> partials: array<f32>;
@group(0) @binding(5) var<storage, read> block_maxima: array<f32>;
@group(0) @binding(6) var<storage, read_write> ids: array<u32>;
@group(0) @binding(7) var<storage, read_write> logprob: array<f32>;

fn first_largest(row: u32, m: f32) -> u32 {
  var block = 0u;
  while (block + 1u < params.blocks && block_maxima[row * params.blocks + block] != m) {
    block++;
  }
  var id = block * 64u;
  while (id + 1u < params.V && mul(logits[row * params.V + id], params.scale) != m) {
    id++;
  }
  return id;
}

fn drawn(row: u32, m: f32, threshold: f32) -> u32 {
  let base = row * params.blocks;
  var before = 0.0;
  var block = 0u;
  while (block < params.blocks) {
    let after = add(before, partials[base + block]);
    if (after > threshold) {
      break;
    }
    before = after;
    block++;
  }
  let passes = block < params.blocks;
  if (!passes) {
    // Rounding made the threshold the whole sum, so the last id with weight is drawn.
    block = params.blocks - 1u;
    while (block > 0u && partials[base + block] == 0.0) {
      block--;
    }
  }
  var within = 0.0;
  var id = 0u;
  for (var v = block * 64u; v < min(block * 64u + 64u, params.V); v++) {
    let e = exp_canonical(sub(mul(logits[row * params.V + v], params.scale), m));
    within = add(within, e);
    if (passes && add(before, within) > threshold) {
      return v;
    }
    if (e > 0.0) {
      id = v;
    }
  }
  return id;
}

@compute @workgroup_size(ROW_LANES)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  arm_barrier(params.zero);
  let row = workgroup_number(group, groups);
  let l = row_sum(min(row, params.N - 1u) * params.blocks, params.blocks, lane);
  if (lane != 0u || row >= params.N) {
    return;
  }
  let m = maxima[row];
  var id = 0u;
  if (params.greedy == 1u) {
    id = first_largest(row, m);
  } else {
    id = drawn(row, m, mul(uniforms[row], l));
  }
  ids[row] = id;
  logprob[row] = sub(mul(logits[row * params.V + id], params.scale), add(m, log_canonical(l)));
}
