/**
 * Puts a counter into every branch of a module, so that a search sees which inputs reach something new. It
 * works as AFL does (Zalewski, "Technical whitepaper for afl-fuzz"), on blocks and not on edges.
 */
import { parseAst } from 'vite';

/** The function that the counters call: a global, which counters.ts sets before any module is loaded. */
export const HIT = '$starlingHit';

/**
 * The text of an ES module with counters `first`, `first + 1`, ... in its branches, and how many there are.
 * Lines stay where they are. Throws for what is no ES module.
 */
export function instrument(source, first) {
  const opens = new Map();
  const closes = new Map();
  let count = 0;
  const add = (map, at, text) => map.set(at, [...(map.get(at) ?? []), text]);
  const call = () => `${HIT}(${first + count++})`;

  const inBlock = (node) => {
    if (node.type === 'BlockStatement') add(opens, node.start + 1, `${call()};`);
    else around(node, `{${call()};`, '}');
  };
  const inExpression = (node) => around(node, `(${call()},`, ')');
  const around = (node, before, after) => {
    add(opens, node.start, before);
    closing.set(node, after);
  };
  // What closes a node is added after what closes its parts.
  const closing = new Map();

  const walk = (node) => {
    if (Array.isArray(node)) {
      for (const each of node) walk(each);
      return;
    }
    if (node === null || typeof node !== 'object' || typeof node.type !== 'string') return;
    visit(node);
    for (const part of Object.values(node)) walk(part);
    if (closing.has(node)) add(closes, node.end, closing.get(node));
  };
  const visit = (node) => {
    switch (node.type) {
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        if (node.body === null) break;
        if (node.body.type === 'BlockStatement') inBlock(node.body);
        else inExpression(node.body);
        break;
      case 'IfStatement':
        inBlock(node.consequent);
        if (node.alternate !== null) inBlock(node.alternate);
        break;
      case 'ForStatement':
      case 'ForInStatement':
      case 'ForOfStatement':
      case 'WhileStatement':
      case 'DoWhileStatement':
      case 'CatchClause':
        inBlock(node.body);
        break;
      case 'SwitchCase':
        if (node.consequent.length > 0) add(opens, node.consequent[0].start, `${call()};`);
        break;
      case 'ConditionalExpression':
        inExpression(node.consequent);
        inExpression(node.alternate);
        break;
      case 'LogicalExpression':
        inExpression(node.right);
        break;
    }
  };
  walk(parseAst(source).body);

  const places = [...new Set([...opens.keys(), ...closes.keys()])].sort((a, b) => a - b);
  let text = '';
  let at = 0;
  for (const place of places) {
    text += source.slice(at, place) + (closes.get(place) ?? []).join('') + (opens.get(place) ?? []).join('');
    at = place;
  }
  return { source: text + source.slice(at), count };
}
