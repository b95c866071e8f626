/**
 * TypeDoc and its options. It has a folder of its own because it needs TypeScript 6, the last one with a
 * compiler API in JavaScript (docs/decisions/0010-checking-tools.md).
 */
export const API_PAGES = [
  'tools/typedoc/node_modules/typedoc/bin/typedoc',
  '--options',
  'tools/typedoc/typedoc.json',
];
