/**
 * Kernels whose sizes are chosen for a device. WGSL's overrides cannot size an array of registers or choose a binding's
 * type, so constants are set in the text: `const NAME = ...;` takes a new value, and lines between directives are
 * repeated or left out.
 *
 *     //# if NAME     lines up to //# else or //# end stay when NAME is not 0
 *     //# for i in 4  lines up to //# end once for each i = 0..3, $i written out; the bound may be a constant's name
 */
import { EngineError } from '../../engine.ts';

export type Constants = Readonly<Record<string, number>>;

const DIRECTIVE = /^\s*\/\/# (if|for|else|end)(?: (\w+))?(?: in (\w+))?\s*$/;

/** The text with these constants. Throws EngineError when one is not declared in it or a directive makes no sense. */
export function specialize(source: string, constants: Constants): string {
  let text = source;
  for (const [name, value] of Object.entries(constants)) {
    const declaration = declarationOf(name);
    if (!declaration.test(text)) throw new EngineError(`a kernel declares no constant ${name}`);
    text = text.replace(declaration, `const ${name} = ${value}u;`);
  }
  if (!text.includes('//# ')) return text;
  const numberOf = (name: string): number => {
    const value = /^\d+$/.test(name)
      ? name
      : /= (\d+)u;/.exec(declarationOf(name).exec(text)?.[0] ?? '')?.[1];
    if (value === undefined)
      throw new EngineError(`a kernel's directive names ${name}, which is no constant`);
    return Number(value);
  };
  const lines = text.split('\n');
  const { output, next } = expand(lines, 0, numberOf);
  if (next !== lines.length) throw new EngineError(`a kernel has a directive too many: ${lines[next]}`);
  return output.join('\n');
}

function declarationOf(name: string): RegExp {
  return new RegExp(`^const ${name} = [^;]*;`, 'm');
}

/** Expands lines from `start` up to the directive that ends them, whose index is `next`. */
function expand(
  lines: readonly string[],
  start: number,
  numberOf: (name: string) => number,
): { readonly output: readonly string[]; readonly next: number } {
  const output: string[] = [];
  let at = start;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const [, kind, name, bound] = DIRECTIVE.exec(line) ?? [];
    if (kind === 'end' || kind === 'else') break;
    if (kind === undefined) {
      output.push(line);
      at += 1;
      continue;
    }
    if (name === undefined || (kind === 'for') !== (bound !== undefined)) {
      throw new EngineError(`a kernel has a directive that makes no sense: ${line}`);
    }
    const body = expand(lines, at + 1, numberOf);
    const hasElse = DIRECTIVE.exec(lines[body.next] ?? '')?.[1] === 'else';
    const other = hasElse ? expand(lines, body.next + 1, numberOf) : { output: [], next: body.next };
    if (DIRECTIVE.exec(lines[other.next] ?? '')?.[1] !== 'end') {
      throw new EngineError(`a kernel's directive has no end: ${line}`);
    }
    if (kind === 'if') output.push(...(numberOf(name) === 0 ? other.output : body.output));
    else {
      for (let i = 0; i < numberOf(bound ?? '0'); i++) {
        for (const repeated of body.output) output.push(repeated.replaceAll(`$${name}`, String(i)));
      }
    }
    at = other.next + 1;
  }
  return { output, next: at };
}
