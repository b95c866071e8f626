// The parameters of the attention kernels, and where their work lies. A unit is one batch entry's key/value
// head with its group of query heads. A dispatch covers `units` units from first_unit on, `rows` query rows
// of each head from first_row on, and `keys` keys from first_key on. Scores lie in scratch memory as [unit,
// head of the group, row, key]; a line is a head of the group and one of its rows.

struct AttentionParams {
  zero: u32,
  units: u32,
  first_unit: u32,
  Tq: u32,
  Tk: u32,
  heads: u32,
  kv_heads: u32,
  head_dim: u32,
  scale: f32,
  first_row: u32,
  rows: u32,
  first_key: u32,
  keys: u32,
  // Each kernel's first comment says what it means there.
  mode: u32,
  // Heads of each group that a dispatch of attention.keys folds.
  first_head: u32,
  head_count: u32,
}

struct Unit {
  b: u32,
  // First query head of the group, and how many heads the group has.
  head: u32,
  group_heads: u32,
  // First element of key 0's vector, and the distance to the next key's.
  first_key: u32,
  key_stride: u32,
}

fn unit_of(params: AttentionParams, number: u32) -> Unit {
  let unit = params.first_unit + number;
  let group_heads = params.heads / params.kv_heads;
  let b = unit / params.kv_heads;
  let g = unit % params.kv_heads;
  return Unit(
    b,
    g * group_heads,
    group_heads,
    (b * params.Tk * params.kv_heads + g) * params.head_dim,
    params.kv_heads * params.head_dim,
  );
}

// Lines of a unit.
fn unit_lines(params: AttentionParams) -> u32 {
  return params.heads / params.kv_heads * params.rows;
}

// Row of q, i.e. b * Tq + i, of a line of a unit.
fn row_of(params: AttentionParams, unit: Unit, line: u32) -> u32 {
  return unit.b * params.Tq + params.first_row + line % params.rows;
}

// Number of a line's query head among all of q, i.e. row * heads + head. Its vector starts at head_dim times
// that.
fn head_of(params: AttentionParams, unit: Unit, line: u32) -> u32 {
  return row_of(params, unit, line) * params.heads + unit.head + line / params.rows;
}

// Stands for the head of a line that does not exist.
const NO_LINE = 0xffffffffu;

// head_of for four neighbouring lines, with one division for all of them.
fn heads_of(params: AttentionParams, unit: Unit, first: u32) -> vec4<u32> {
  let lines = unit.group_heads * params.rows;
  let start = (unit.b * params.Tq + params.first_row) * params.heads + unit.head;
  var row = first % params.rows;
  var head = first / params.rows;
  var result = vec4<u32>(NO_LINE);
//# for i in 4
  if (first + $iu < lines) {
    result[$i] = start + row * params.heads + head;
  }
  row++;
  if (row == params.rows) {
    row = 0u;
    head++;
  }
//# end
  return result;
}

// Number of keys that a query row at `position` sees.
fn keys_seen(params: AttentionParams, position: u32) -> u32 {
  return min(position, params.Tk - 1u) + 1u;
}
