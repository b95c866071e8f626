/**
 * What a row of the operator table (operators.ts) says about an operator, and the functions that write a row
 * down. A row is data. Validation, shapes, the judge's encoding and the engines' types all follow from it.
 */
import { MAX_ELEMENTS, MAX_FOLD, MAX_HEAD, MAX_NORMS } from './limits.ts';

/** An integer that counts something: a length, a number of heads, a top-k. */
export interface SizeSpec {
  readonly kind: 'size';
  readonly least: number;
  readonly most: number;
  /**
   * Where `most` comes from: any size's limit, that of a length along which the operator sums, or the
   * operator's own.
   */
  readonly limit: 'elements' | 'folded' | 'operator';
  /** The size must be a multiple of this. Defaults to 1. */
  readonly multipleOf?: number;
}

/** 0 or 1. */
export interface FlagSpec {
  readonly kind: 'flag';
}

/** A canonical f32. */
export interface ConstantSpec {
  readonly kind: 'f32';
  /** The value must be at least this. */
  readonly least?: number;
  /** The value must be greater than this. */
  readonly above?: number;
  readonly most?: number;
}

export type AttributeSpec = SizeSpec | FlagSpec | ConstantSpec;

/** A length of at least 1. */
export const SIZE = { kind: 'size', least: 1, most: MAX_ELEMENTS, limit: 'elements' } as const;
/** A length along which the operator sums in a fixed order. */
export const FOLDED = { kind: 'size', least: 1, most: MAX_FOLD, limit: 'folded' } as const;
/** Elements of an attention head, along which scores are summed. */
export const HEAD = { kind: 'size', least: 1, most: MAX_HEAD, limit: 'operator' } as const;
/** Elements of a head that is rotated in pairs. */
export const EVEN = {
  kind: 'size',
  least: 1,
  most: MAX_ELEMENTS,
  limit: 'elements',
  multipleOf: 2,
} as const;
/** Elements of a row of which four lie in one word. */
export const FOURS = { kind: 'size', least: 1, most: MAX_FOLD, limit: 'operator', multipleOf: 4 } as const;
/** How many norms are added up. */
export const NORMS = { kind: 'size', least: 1, most: MAX_NORMS, limit: 'operator' } as const;
/** A number of elements of which 0 means no limit. */
export const OPTIONAL_SIZE = { kind: 'size', least: 0, most: MAX_ELEMENTS, limit: 'elements' } as const;
export const FLAG = { kind: 'flag' } as const;
export const CONSTANT = { kind: 'f32' } as const;
export const NON_NEGATIVE = { kind: 'f32', least: 0 } as const;
/** A share of the whole, above 0 and at most 1. */
export const SHARE = { kind: 'f32', above: 0, most: 1 } as const;

/** A length in a shape: a number, a size attribute, the product of two, or the half or quarter of one. */
export type Dimension<Size extends string = string> = number | Size | `${Size}*${Size}` | `${Size}/${2 | 4}`;

/** One input or output. `Size` and `Flag` are the names of the row's size and flag attributes. */
export interface OperandSpec<Size extends string = string, Flag extends string = string> {
  /** `weight` is f32 or bf16, and only ever an input. */
  readonly dtype: 'f32' | 'weight' | 'u32';
  readonly shape: readonly Dimension<Size>[];
  /** The operator works element by element: any shape with this many elements fits. */
  readonly flat?: true;
  /** The flag that, if 1, stores the two dimensions in the other order. */
  readonly transposedBy?: Flag;
  /** The size that says how many operands of this shape follow one another; 1 if left out. */
  readonly repeat?: Size;
  /** Each value is an index: value + `span` must be at most `below`. `span` is 1 if left out. */
  readonly index?: { readonly below: Size; readonly span?: Size };
}

/** An f32 tensor. */
export function f32<const S extends readonly Dimension[]>(...shape: S) {
  return { dtype: 'f32', shape } as const;
}

/** An f32 tensor of `length` elements in any shape. */
export function elements<const S extends Dimension>(length: S) {
  return { dtype: 'f32', shape: [length], flat: true } as const;
}

/** A frozen or trained weight: f32, or bf16 as stored. */
export function weight<const S extends readonly Dimension[]>(...shape: S) {
  return { dtype: 'weight', shape } as const;
}

/** Whole numbers. */
export function u32<const S extends readonly Dimension[]>(...shape: S) {
  return { dtype: 'u32', shape } as const;
}

/** `count` indices, each below `below`. */
export function indices<const S extends Dimension, const B extends string>(count: S, below: B) {
  return { dtype: 'u32', shape: [count], index: { below } } as const;
}

/** `count` indices, each the first of `span` neighbours that are all below `below`. */
export function starts<const S extends Dimension, const B extends string, const R extends string>(
  count: S,
  below: B,
  span: R,
) {
  return { dtype: 'u32', shape: [count], index: { below, span } } as const;
}

/** The operand with its two dimensions in the other order if the flag is 1. */
export function transposedBy<const F extends string, const O extends OperandSpec>(flag: F, operand: O) {
  return { ...operand, transposedBy: flag } as const;
}

/** As many operands of this shape as the attribute says. */
export function repeated<const C extends string, const O extends OperandSpec>(count: C, operand: O) {
  return { ...operand, repeat: count } as const;
}

export type Attributes = Readonly<Record<string, AttributeSpec>>;
export type Operands = Readonly<Record<string, OperandSpec>>;
export type NamesOf<A extends Attributes, Kind extends AttributeSpec['kind']> = {
  [N in keyof A & string]: [Extract<A[N]['kind'], Kind>] extends [never] ? never : N;
}[keyof A & string];
export type SizePair<A extends Attributes> = readonly [size: NamesOf<A, 'size'>, other: NamesOf<A, 'size'>];
type OperandsOver<A extends Attributes> = Readonly<
  Record<string, OperandSpec<NamesOf<A, 'size'>, NamesOf<A, 'flag'>>>
>;

/** Which outputs may be, or must be, the very tensor of an input: input names by output name. */
export interface InPlace<Output extends string = string, Input extends string = string> {
  readonly kind: 'allowed' | 'required';
  readonly pairs: { readonly [O in Output]?: Input };
}

/**
 * A row of the operator table. Attributes, inputs and outputs are in the order in which programs and the
 * judge take them.
 */
export interface OperatorSpec<
  Judge extends number | undefined = number | undefined,
  A extends Attributes = Attributes,
  I extends Operands = Operands,
  O extends Operands = Operands,
> {
  /**
   * The EVM judge's number of the operator (contracts/src/judge/Operators.sol); undefined if it does not
   * compute it.
   */
  readonly judge: Judge;
  readonly attributes: A;
  readonly inputs: I;
  readonly outputs: O;
  readonly inPlace?: InPlace<keyof O & string, keyof I & string>;
  /** Pairs of sizes of which the first must be a multiple of the second. */
  readonly multiples?: readonly SizePair<A>[];
  /** Pairs of sizes of which the first must be at most the second. */
  readonly atMost?: readonly SizePair<A>[];
}

/**
 * A row, whose shapes, index limits, pairs and relations may name nothing but the row's own attributes and
 * operands.
 */
export function operator<
  const Judge extends number | undefined,
  const A extends Attributes,
  const I extends OperandsOver<A>,
  const O extends OperandsOver<A>,
>(row: OperatorSpec<Judge, A, I, O>): OperatorSpec<Judge, A, I, O> {
  return row;
}
