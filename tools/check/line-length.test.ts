import { describe, expect, it } from 'vitest';
import { houseOf } from './house.ts';
import { COMMENT_COLUMNS, checkLineLength, PROSE_COLUMNS } from './line-length.ts';

const words = (columns: number) => 'word '.repeat(columns).slice(0, columns);
const lines = (files: Record<string, string>) =>
  checkLineLength(houseOf(files)).findings.map(({ file, line }) => `${file}:${line}`);

describe('the length of comment lines', () => {
  it.each(['a.ts', 'a.tsx', 'a.mjs', 'a.wgsl', 'a.sol'])('is limited in %s', (file) => {
    const fits = `// ${words(COMMENT_COLUMNS - 4)}x`;
    expect(fits).toHaveLength(COMMENT_COLUMNS);
    expect(lines({ [file]: `${fits}\n${fits}x\n` })).toEqual([`${file}:2`]);
  });

  it('counts each line of a block, and a comment after code', () => {
    const long = words(COMMENT_COLUMNS);
    expect(
      lines({ 'a.ts': `/**\n * ${long}\n * short\n * ${long}\n */\nconst a = 1; // ${long}\n` }),
    ).toEqual(['a.ts:2', 'a.ts:4', 'a.ts:6']);
  });

  it('leaves code alone, though a string holds two slashes', () => {
    const text = words(COMMENT_COLUMNS);
    expect(lines({ 'a.ts': `// short\nconst a = '// ${text}';\n` })).toEqual([]);
    expect(lines({ 'a.sol': `// short\nstring constant A = "// ${text}";\n` })).toEqual([]);
  });

  it('allows an address that cannot be broken', () => {
    expect(lines({ 'a.ts': `// https://example.org/${'x'.repeat(120)}\n` })).toEqual([]);
    expect(lines({ 'a.ts': `// ${'x'.repeat(70)} and then ${words(60)}\n` })).toEqual(['a.ts:1']);
  });

  it('counts an arrow as one column', () => {
    expect(lines({ 'a.ts': `// ${'→ '.repeat(53)}\n` })).toEqual([]);
  });
});

describe('the length of prose', () => {
  it('is limited outside tables, code and links', () => {
    const long = words(PROSE_COLUMNS + 1);
    expect(
      lines({
        'a.md': `${long}\n| ${long} |\n\`\`\`\n${long}\n\`\`\`\n    ${long}\n- [a](${'x'.repeat(160)})\n- ${long}\n`,
      }),
    ).toEqual(['a.md:1', 'a.md:8']);
  });
});

describe('the summary', () => {
  it('counts for each room', () => {
    const long = `// ${words(COMMENT_COLUMNS)}\n`;
    expect(
      checkLineLength(houseOf({ 'a/b.ts': long + long, 'a/c.md': words(160), 'd/e.ts': long })).summary,
    ).toEqual([
      'a             2 comment lines, 1 lines of prose',
      'd             1 comment lines, 0 lines of prose',
    ]);
  });
});
