//! import canonical
// Adds the block sums of a row in order, for kernels with a workgroup of ROW_LANES to a row. A kernel that
// imports this declares the binding `partials`.

const ROW_LANES = 64u;
var<workgroup> chunk: array<f32, ROW_LANES>;

// The sum of the `blocks` block sums from partials[base] on. The workgroup reads 64 of them at a time and
// lane 0 adds them; the other lanes get no sum. Call it in uniform control flow only.
fn row_sum(base: u32, blocks: u32, lane: u32) -> f32 {
  var total = 0.0;
  for (var first = 0u; first < blocks; first += ROW_LANES) {
    let count = min(ROW_LANES, blocks - first);
    if (lane < count) {
      chunk[lane] = partials[base + first + lane];
    }
    workgroupBarrier();
    if (lane == 0u) {
      for (var i = 0u; i < count; i++) {
        total = add(total, chunk[i]);
      }
    }
    workgroupBarrier();
  }
  return total;
}
