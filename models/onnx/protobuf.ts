/**
 * Writes protocol buffers' wire format (https://protobuf.dev/programming-guides/encoding/), as far as ONNX
 * needs it. Messages refer to bytes and do not copy them, so a message over a model's weights needs no second
 * copy.
 */
export class Message {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** The parts of the message, to be written one after another. */
  get parts(): readonly Uint8Array[] {
    return this.#parts;
  }

  /** An int32, int64, enum or bool field. A negative value takes ten bytes, as the format requires. */
  integer(field: number, value: number | bigint): this {
    this.#key(field, 0);
    return this.#varint(BigInt.asUintN(64, BigInt(value)));
  }

  /** A float field. */
  float(field: number, value: number): this {
    this.#key(field, 5);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#append(bytes);
  }

  /** A bytes field over `value` itself. It must not change before the message is written. */
  bytes(field: number, value: Uint8Array): this {
    this.#key(field, 2);
    this.#varint(BigInt(value.length));
    return this.#append(value);
  }

  /** A string field. */
  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  /** An embedded message. It must be complete. */
  message(field: number, value: Message): this {
    this.#key(field, 2);
    this.#varint(BigInt(value.length));
    for (const part of value.parts) this.#append(part);
    return this;
  }

  #key(field: number, wireType: number): void {
    this.#varint(BigInt(field * 8 + wireType));
  }

  #varint(value: bigint): this {
    const bytes: number[] = [];
    let rest = value;
    while (rest >= 128n) {
      bytes.push(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    bytes.push(Number(rest));
    return this.#append(Uint8Array.from(bytes));
  }

  #append(part: Uint8Array): this {
    if (part.length > 0) this.#parts.push(part);
    this.#length += part.length;
    return this;
  }
}

/** Joins all `parts` into one array. */
export function concatenated(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
