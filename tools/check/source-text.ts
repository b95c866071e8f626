import { extname } from 'node:path';
import { parseSync } from 'vite';

/** Where a comment stands in its file: offsets of its first character and of the one after its last. */
export interface CommentRange {
  readonly start: number;
  readonly end: number;
}

/** A module named by another one. */
export interface ImportMention {
  /** As written: `./a.ts`, `viem`. */
  readonly specifier: string;
  readonly start: number;
}

const SCRIPTS = new Set(['.ts', '.tsx', '.mts', '.mjs', '.js']);

/** True for what the TypeScript parser reads. */
export function isScript(path: string): boolean {
  return SCRIPTS.has(extname(path));
}

/**
 * The comments of a TypeScript, JavaScript, WGSL or Solidity file, in order.
 * Throws when the file does not parse.
 */
export function commentsOf(path: string, text: string): CommentRange[] {
  return isScript(path) ? parse(path, text).comments : commentsByScan(text);
}

/** What a script imports: static, type-only, re-exported, dynamic, and `import('…')` as a type. */
export function importsOf(path: string, text: string): ImportMention[] {
  const { module, comments } = parse(path, text);
  const mentions: ImportMention[] = module.staticImports.map(({ moduleRequest, start }) => ({
    specifier: moduleRequest.value,
    start,
  }));
  for (const { entries } of module.staticExports)
    for (const { moduleRequest, start } of entries)
      if (moduleRequest !== null && moduleRequest !== undefined)
        mentions.push({ specifier: moduleRequest.value, start });
  // A type such as import('./a.ts').A is in no table of the parser.
  for (const { 1: specifier, index } of text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g))
    if (specifier !== undefined && !comments.some(({ start, end }) => index >= start && index < end))
      mentions.push({ specifier, start: index });
  return mentions.sort((a, b) => a.start - b.start);
}

function parse(path: string, text: string) {
  // AssemblyScript decorates functions, which TypeScript does not; blanks keep every offset.
  const result = parseSync(path, path.includes('/assembly/') ? text.replace(/^(\s*)@\w+/gm, blank) : text);
  const [error] = result.errors;
  if (error !== undefined) throw new Error(`${path} does not parse: ${error.message}`);
  return result;
}

function blank(text: string): string {
  return text.replace(/\S/g, ' ');
}

/**
 * For languages with C's comments and strings of one line: WGSL has no strings, Solidity both kinds of
 * quotes.
 */
function commentsByScan(text: string): CommentRange[] {
  const ranges: CommentRange[] = [];
  const token = /\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g;
  for (const match of text.matchAll(token))
    if (match[0].startsWith('/')) ranges.push({ start: match.index, end: match.index + match[0].length });
  return ranges;
}
