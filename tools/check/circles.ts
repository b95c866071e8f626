import { posix } from 'node:path';
import type { Check, House } from './house.ts';
import { importsOf, isScript } from './source-text.ts';

/** For every script, the scripts of the house that it imports; type-only imports count. */
export function importGraph(house: House): Map<string, string[]> {
  const known = new Set(house.files);
  const graph = new Map<string, string[]>();
  for (const file of house.files.filter(isScript)) {
    const targets = new Set<string>();
    for (const { specifier } of importsOf(file, house.read(file))) {
      if (!specifier.startsWith('.')) continue;
      const path = posix.join(posix.dirname(file), specifier);
      // Assembly modules are named without their ending.
      const target = known.has(path) ? path : `${path}.ts`;
      if (known.has(target)) targets.add(target);
    }
    graph.set(file, [...targets]);
  }
  return graph;
}

/**
 * Groups of files that import one another in a circle, each group sorted. Tarjan's algorithm, SIAM J. Comput.
 * 1 (1972).
 */
export function circlesIn(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const circles: string[][] = [];

  function visit(node: string): number {
    const index = order.size;
    let low = index;
    order.set(node, index);
    stack.push(node);
    onStack.add(node);
    const targets = graph.get(node) ?? [];
    for (const target of targets) {
      const seen = order.get(target);
      if (seen === undefined) low = Math.min(low, visit(target));
      else if (onStack.has(target)) low = Math.min(low, seen);
    }
    lowest.set(node, low);
    if (low === index) {
      const group = stack.splice(stack.indexOf(node));
      for (const member of group) onStack.delete(member);
      if (group.length > 1 || targets.includes(node)) circles.push(group.sort());
    }
    return low;
  }

  for (const node of graph.keys()) if (!order.has(node)) visit(node);
  return circles;
}

/** No file may import itself by way of others. */
export const checkCircles: Check = (house) => {
  const graph = importGraph(house);
  const circles = circlesIn(graph);
  return {
    findings: circles.map((files) => ({
      file: files[0] ?? '',
      message: `imports itself in a circle of ${files.length}: ${files.join(', ')}`,
    })),
    summary: [`${graph.size} files, ${circles.length} circles`],
  };
};
