import { describe, expect, it } from 'vitest';
import { houseOf } from './house.ts';
import { checkMentions } from './mentions.ts';

const messages = (files: Record<string, string>) =>
  checkMentions(
    houseOf({ 'package.json': '{"scripts": {"dev": "", "build:kernels": ""}}', ...files }),
  ).findings.map(({ file, line, message }) => `${file}:${line} ${message}`);

describe('what a text names', () => {
  it('is a script of package.json', () => {
    expect(messages({ 'a.md': 'npm run dev\n`npm run build:kernels`: or\nnpm run build\n' })).toEqual([
      'a.md:3 there is no script "build"',
    ]);
  });

  it('is a file or folder that a link leads to', () => {
    const text = '[a](b.md#part) [c](../app/) [d](https://example.org) [e](#here) [f](gone.md)\n';
    expect(messages({ 'docs/a.md': text, 'docs/b.md': '', 'app/x.ts': '' })).toEqual([
      'docs/a.md:1 there is no docs/gone.md',
    ]);
  });

  it('is a path from the root or from beside the text, in prose and in comments', () => {
    expect(
      messages({
        'app/README.md': '`app/a.ts`, `models/a.ts`, app/gone.ts\n',
        'app/models/a.ts': '/** See app/a.ts.\n * And app/lost.ts, app/generated/x.ts, ../app/no.ts. */\n',
        'app/a.ts': '',
      }),
    ).toEqual([
      'app/README.md:1 there is no app/gone.ts nor app/app/gone.ts',
      'app/models/a.ts:2 there is no app/lost.ts nor app/models/app/lost.ts',
    ]);
  });

  it('is a file at any depth below a README that names it in backquotes', () => {
    const text = '`a.ts`, `deep/b.ts`, `c.ts` and `d.ts`; `npx x.ts`\n';
    const files = { 'app/a.ts': '', 'app/very/deep/b.ts': '', 'app/x/c.ts': '', 'swarm/d.ts': '' };
    expect(messages({ 'app/README.md': text, ...files })).toEqual([
      'app/README.md:1 there is no d.ts nor app/d.ts',
    ]);
    expect(messages({ 'app/notes.md': text, ...files })).toEqual([]);
  });

  it('is a test of the contracts', () => {
    expect(
      messages({
        'docs/a.md': '`test_post_reverts`, `testFuzz_gone`\n',
        'contracts/test/A.t.sol': 'function test_post_reverts() public {}\n',
      }),
    ).toEqual(['docs/a.md:1 there is no Solidity test testFuzz_gone']);
  });

  it('may be gone in a record of what was', () => {
    expect(messages({ 'docs/results/a.md': 'app/gone.ts', 'CHANGELOG.md': 'npm run gone' })).toEqual([]);
  });
});
