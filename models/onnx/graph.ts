/**
 * Builds ONNX graphs node by node. Field numbers and enumerations come from
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, and operators from
 * https://github.com/onnx/onnx/blob/main/docs/Operators.md at opset 17.
 */
import { must } from '../../protocol/must.ts';
import { Message } from './protobuf.ts';

/** IR version 8 belongs to opset 17 (ONNX 1.12). Every current runtime reads it. */
const IR_VERSION = 8;
const OPSET = 17;
/** Every reader refuses a protocol buffer of 2 GiB or more. */
const MAX_MODEL_BYTES = 2 ** 31 - 1;

export const ELEMENT = { f32: 1, i64: 7, bool: 9, bf16: 16 } as const;
export type ElementType = keyof typeof ELEMENT;

/** A size, or the name of a size that is known only at run time. */
export type Dimension = number | string;

export type Attribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'ints'; readonly value: readonly number[] };

const ATTRIBUTE_TYPE = { float: 1, int: 2, ints: 7 } as const;

export class OnnxExportError extends Error {
  override readonly name = 'OnnxExportError';
}

/**
 * Collects nodes in topological order. Every value has a name. A value without a given name gets one.
 */
export class Graph {
  readonly #nodes: Message[] = [];
  readonly #initializers: Message[] = [];
  readonly #inputs: Message[] = [];
  readonly #outputs: Message[] = [];
  readonly #constants = new Map<string, string>();
  #count = 0;

  /** Declares a graph input, and returns its name. */
  input(name: string, type: ElementType, shape: readonly Dimension[]): string {
    this.#inputs.push(valueInfo(name, type, shape));
    return name;
  }

  /** Declares an existing value as a graph output. */
  output(name: string, type: ElementType, shape: readonly Dimension[]): void {
    this.#outputs.push(valueInfo(name, type, shape));
  }

  /** Adds a tensor to the file over `data` itself (little-endian), and returns its name. */
  initializer(name: string, type: ElementType, shape: readonly number[], data: Uint8Array): string {
    const tensor = new Message();
    for (const size of shape) tensor.integer(1, size);
    tensor.integer(2, ELEMENT[type]).text(8, name).bytes(9, data);
    this.#initializers.push(tensor);
    return name;
  }

  /** Adds an f32 tensor to the file over the array's bytes, and returns its name. */
  floats(name: string, shape: readonly number[], values: Float32Array): string {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    return this.initializer(name, 'f32', shape, bytes);
  }

  /** A one-dimensional int64 constant. Equal constants share one initializer. */
  ints(...values: readonly number[]): string {
    return this.#constant(`ints.${values.join('_')}`, (name) =>
      this.initializer(name, 'i64', [values.length], bytesOf(BigInt64Array.from(values, BigInt))),
    );
  }

  /** An int64 scalar constant. */
  int(value: number): string {
    return this.#constant(`int.${value}`, (name) =>
      this.initializer(name, 'i64', [], bytesOf(BigInt64Array.of(BigInt(value)))),
    );
  }

  /** An f32 scalar constant, rounded once. */
  float(value: number): string {
    return this.#constant(`float.${Math.fround(value)}`, (name) =>
      this.initializer(name, 'f32', [], bytesOf(Float32Array.of(value))),
    );
  }

  /** Applies an operator with one output, and returns the output's name. `name` sets it. */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    name?: string,
  ): string {
    const output = name ?? `${op}.${this.#count++}`;
    this.split(op, inputs, attributes, [output]);
    return output;
  }

  /** Applies an operator with the given outputs, and returns them. */
  split<const Names extends readonly string[]>(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
    outputs: Names,
  ): Names {
    const node = new Message();
    for (const input of inputs) node.text(1, input);
    for (const output of outputs) node.text(2, output);
    node.text(3, `${op}/${must(outputs, 0)}`).text(4, op);
    for (const [name, attribute] of Object.entries(attributes)) {
      node.message(5, attributeMessage(name, attribute));
    }
    this.#nodes.push(node);
    return outputs;
  }

  /**
   * The model file in parts. Equal calls give equal bytes. `metadata` becomes the file's metadata_props, in
   * byte order of the keys. Throws OnnxExportError when the file would have 2 GiB or more.
   */
  finish(name: string, metadata: ReadonlyMap<string, string> = new Map()): readonly Uint8Array[] {
    const graph = new Message();
    for (const node of this.#nodes) graph.message(1, node);
    graph.text(2, name);
    for (const tensor of this.#initializers) graph.message(5, tensor);
    for (const value of this.#inputs) graph.message(11, value);
    for (const value of this.#outputs) graph.message(12, value);
    const model = new Message().integer(1, IR_VERSION).text(2, 'starling').message(7, graph);
    model.message(8, new Message().text(1, '').integer(2, OPSET));
    for (const [key, value] of [...metadata].sort(([a], [b]) => (a < b ? -1 : 1))) {
      model.message(14, new Message().text(1, key).text(2, value));
    }
    if (model.length > MAX_MODEL_BYTES) {
      throw new OnnxExportError(
        `The ONNX file would be ${model.length} bytes and protocol buffers end at 2 GiB; export a smaller model.`,
      );
    }
    return model.parts;
  }

  #constant(name: string, make: (name: string) => string): string {
    const known = this.#constants.get(name);
    if (known !== undefined) return known;
    this.#constants.set(name, name);
    return make(name);
  }
}

function bytesOf(array: BigInt64Array | Float32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function valueInfo(name: string, type: ElementType, shape: readonly Dimension[]): Message {
  const dimensions = new Message();
  for (const size of shape) {
    dimensions.message(
      1,
      typeof size === 'number' ? new Message().integer(1, size) : new Message().text(2, size),
    );
  }
  const tensor = new Message().integer(1, ELEMENT[type]).message(2, dimensions);
  return new Message().text(1, name).message(2, new Message().message(1, tensor));
}

function attributeMessage(name: string, attribute: Attribute): Message {
  const message = new Message().text(1, name);
  switch (attribute.kind) {
    case 'float':
      message.float(2, attribute.value);
      break;
    case 'int':
      message.integer(3, attribute.value);
      break;
    case 'ints':
      for (const value of attribute.value) message.integer(8, value);
      break;
  }
  return message.integer(20, ATTRIBUTE_TYPE[attribute.kind]);
}
