// Where a work item of an attention kernel lies. A unit is one batch entry's key/value head with its group of query
// heads; a dispatch covers units first_unit .. first_unit + units. Scores are stored [unit, head of the group, i, j].

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
}

struct Score {
  inside: bool,
  // Row of q, i.e. b * Tq + i.
  row: u32,
  head: u32,
  j: u32,
  // First element of the query's and the key's vector.
  query: u32,
  key: u32,
}

struct Row {
  inside: bool,
  row: u32,
  head: u32,
  // First element of key 0's vector.
  first_key: u32,
}

fn row_at(params: AttentionParams, item: u32) -> Row {
  let i = item % params.Tq;
  let head_of_group = item / params.Tq;
  let group_heads = params.heads / params.kv_heads;
  let unit = head_of_group / group_heads;
  let b = (params.first_unit + unit) / params.kv_heads;
  let g = (params.first_unit + unit) % params.kv_heads;
  return Row(
    unit < params.units,
    b * params.Tq + i,
    g * group_heads + head_of_group % group_heads,
    (b * params.Tk * params.kv_heads + g) * params.head_dim,
  );
}

fn score_at(params: AttentionParams, item: u32) -> Score {
  let j = item % params.Tk;
  let at = row_at(params, item / params.Tk);
  return Score(
    at.inside,
    at.row,
    at.head,
    j,
    (at.row * params.heads + at.head) * params.head_dim,
    at.first_key + j * params.kv_heads * params.head_dim,
  );
}
