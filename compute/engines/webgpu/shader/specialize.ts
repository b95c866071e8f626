/**
 * Sets the sizes of a kernel that are chosen for a device. WGSL's overrides cannot size an array of registers
 * or choose a binding's type, so the constants are set in the text. `const NAME = ...;` takes a new value,
 * and lines between directives are repeated or left out:
 *
 *     //# if NAME     lines up to //# else or //# end stay if NAME is not 0
 *     //# for i in 4  lines up to //# end once for each i = 0..3, with $i replaced; 4 may be a constant
 */
import { must } from '../../../../protocol/must.ts';
import { EngineError } from '../../engine.ts';

const DIRECTIVE = /^\s*\/\/# (if|for|else|end)(?: (\w+))?(?: in (\w+))?\s*$/;

/**
 * The text with these constants. Throws EngineError if it does not declare one, or if a directive is
 * malformed.
 */
export function specialize(source: string, constants: Readonly<Record<string, number>>): string {
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
    if (value === undefined) {
      throw new EngineError(`a kernel's directive names ${name}, which is not a constant`);
    }
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

/** The kind of directive that line `index` is, if it is one. */
function directiveAt(lines: readonly string[], index: number): string | undefined {
  const line = lines[index];
  return line === undefined ? undefined : DIRECTIVE.exec(line)?.[1];
}

/** Expands the lines from `start` up to the directive that ends them; `next` is that directive's index. */
function expand(
  lines: readonly string[],
  start: number,
  numberOf: (name: string) => number,
): { readonly output: readonly string[]; readonly next: number } {
  const output: string[] = [];
  let at = start;
  while (at < lines.length) {
    const line = must(lines, at);
    const [, kind, name, bound] = DIRECTIVE.exec(line) ?? [];
    if (kind === 'end' || kind === 'else') break;
    if (kind === undefined) {
      output.push(line);
      at += 1;
      continue;
    }
    if (name === undefined || (kind === 'for') !== (bound !== undefined)) {
      throw new EngineError(`a kernel has a malformed directive: ${line}`);
    }
    const body = expand(lines, at + 1, numberOf);
    const hasElse = directiveAt(lines, body.next) === 'else';
    const other = hasElse ? expand(lines, body.next + 1, numberOf) : { output: [], next: body.next };
    if (directiveAt(lines, other.next) !== 'end') {
      throw new EngineError(`a kernel's directive has no end: ${line}`);
    }
    if (bound === undefined) output.push(...(numberOf(name) === 0 ? other.output : body.output));
    else {
      for (let i = 0; i < numberOf(bound); i++) {
        for (const repeated of body.output) output.push(repeated.replaceAll(`$${name}`, String(i)));
      }
    }
    at = other.next + 1;
  }
  return { output, next: at };
}
