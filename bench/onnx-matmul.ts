/**
 * The bytes of an ONNX model that holds one MatMul of f32 `a` [M, K] and `b` [K, N], giving `c` [M, N]. Both
 * are inputs, or `b` is a constant with the values given, which a runtime may put in order when it loads the
 * model. Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
export function matmulModel(M: number, N: number, K: number, b?: Float32Array): Uint8Array {
  const node = joined(text(1, 'a'), text(1, 'b'), text(2, 'c'), text(4, 'MatMul'));
  const right = b === undefined ? bytes(11, tensorInfo('b', [K, N])) : bytes(5, constant('b', [K, N], b));
  const graph = joined(
    bytes(1, node),
    text(2, 'matmul'),
    right,
    bytes(11, tensorInfo('a', [M, K])),
    bytes(12, tensorInfo('c', [M, N])),
  );
  const operatorSet = joined(text(1, ''), integer(2, 13));
  return joined(integer(1, 8), bytes(7, graph), bytes(8, operatorSet));
}

const FLOAT = 1;

function tensorInfo(name: string, shape: readonly number[]): Uint8Array {
  const dims = joined(...shape.map((size) => bytes(1, integer(1, size))));
  const tensorType = joined(integer(1, FLOAT), bytes(2, dims));
  return joined(text(1, name), bytes(2, bytes(1, tensorType)));
}

/** A constant tensor, its values as little-endian f32. */
function constant(name: string, shape: readonly number[], values: Float32Array): Uint8Array {
  const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return joined(...shape.map((size) => integer(1, size)), integer(2, FLOAT), text(8, name), bytes(9, raw));
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

// Protocol buffers' wire format: a key (field number and wire type), then a varint or a length and that many
// bytes.

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  while (rest >= 128) {
    out.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return [...out, rest];
}

function integer(field: number, value: number): Uint8Array {
  return Uint8Array.from([...varint(field * 8), ...varint(value)]);
}

function bytes(field: number, content: Uint8Array): Uint8Array {
  return joined(Uint8Array.from([...varint(field * 8 + 2), ...varint(content.length)]), content);
}

function text(field: number, value: string): Uint8Array {
  return bytes(field, new TextEncoder().encode(value));
}
