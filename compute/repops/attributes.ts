/** Attributes of a node with the names of its operator as types, and their encoding as 32-bit words. */
import { bitsOf } from './arithmetic.ts';
import type { AttributeSpec } from './operator-spec.ts';
import { type OperatorName, type OperatorRow, specOf } from './operators.ts';
import type { Node } from './program.ts';
import { ProgramError } from './program-error.ts';

/** The attributes of an operator by name; of a union of operators, those that all of them have. */
export type AttributesOf<Op extends OperatorName> = {
  readonly [Name in keyof OperatorRow<Op>['attributes']]: number;
};

/** Names of an operator's attributes of one kind. */
export type AttributeNameOf<Op extends OperatorName, Kind extends AttributeSpec['kind']> = {
  [Name in keyof OperatorRow<Op>['attributes']]: OperatorRow<Op>['attributes'][Name] extends { kind: Kind }
    ? Name
    : never;
}[keyof OperatorRow<Op>['attributes']] &
  string;

/** What `attributesOf` needs of a node. */
export type WithAttributes<Op extends OperatorName> = Pick<Node<Op>, 'op' | 'attributes'>;

/** Names of an operator's attributes, in the order of the table. */
export function attributeNames(op: OperatorName): readonly string[] {
  return Object.keys(specOf(op).attributes);
}

/**
 * A node's attributes with the operator's names as types. Throws ProgramError if one is missing; their ranges
 * are the business of `validateProgram`.
 */
export function attributesOf<Op extends OperatorName>(node: WithAttributes<Op>): AttributesOf<Op> {
  for (const name of attributeNames(node.op)) attributeOf(node, name);
  // Every name of the row was found to be a number just now.
  return node.attributes as AttributesOf<Op>;
}

/** One attribute of a node by name. Throws ProgramError if it is missing. */
export function attributeOf(node: WithAttributes<OperatorName>, name: string): number {
  const value = Object.hasOwn(node.attributes, name) ? node.attributes[name] : undefined;
  if (typeof value !== 'number') throw new ProgramError(`${node.op}: attribute ${name} is missing`);
  return value;
}

/**
 * A node's attributes as 32-bit words in the order of the table: sizes and flags as they are, f32 constants
 * by their bits. The EVM judge takes them so. Throws ProgramError if one is missing.
 */
export function attributeWords(node: WithAttributes<OperatorName>): number[] {
  return Object.entries(specOf(node.op).attributes).map(([name, { kind }]) => {
    const value = attributeOf(node, name);
    return kind === 'f32' ? bitsOf(value) : value;
  });
}
