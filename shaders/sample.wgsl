//! import functions
//! import grid
// Draws one id a row by inverse transform from the softmax terms; one invocation a row, because the running sum is one chain.

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
@group(0) @binding(5) var<storage, read> terms: array<f32>;
@group(0) @binding(6) var<storage, read_write> ids: array<u32>;
@group(0) @binding(7) var<storage, read_write> logprob: array<f32>;

@compute @workgroup_size(GROUP_SIZE)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  arm_barrier(params.zero);
  let item = work_item(group, groups, local);
  if (item >= params.N) {
    return;
  }
  let base = item * params.V;
  let m = maxima[item];
  var l = 0.0;
  for (var block = 0u; block < params.blocks; block++) {
    l = add(l, partials[item * params.blocks + block]);
  }
  var id = 0u;
  if (params.greedy == 1u) {
    while (id + 1u < params.V && mul(logits[base + id], params.scale) != m) {
      id++;
    }
  } else {
    let threshold = mul(uniforms[item], l);
    var c = 0.0;
    for (var v = 0u; v < params.V; v++) {
      let e = terms[base + v];
      c = add(c, e);
      if (e > 0.0) {
        id = v;
      }
      if (c > threshold) {
        id = v;
        break;
      }
    }
  }
  ids[item] = id;
  logprob[item] = sub(mul(logits[base + id], params.scale), add(m, log_canonical(l)));
}
