import { describe, expect, it } from 'vitest';
import { houseOf } from './house.ts';
import { checkRuleIds } from './rule-ids.ts';

const RULES = '# Rules\n\n**<P-1>** One.\n\n**<P-2>** Two, see <P-1>.\n';
/** Ids stand in <> here, so that the check of the house does not take these texts for tests. */
const bracketed = (files: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(files).map(([path, text]) => [path, text.replaceAll('<', '[').replaceAll('>', ']')]),
  );
const messages = (files: Record<string, string>) =>
  checkRuleIds(houseOf(bracketed(files))).findings.map(
    ({ file, line, message }) => `${file}:${line} ${message}`,
  );

describe('rules', () => {
  it('are tested by the title of a test, of a suite, or of a shared suite below testing/', () => {
    expect(
      messages({
        'docs/protocol.md': `${RULES}\n**<P-3>** Three.\n**<P-4>** Four.\n`,
        'a/b.test.ts':
          "it('<P-1> does', run);\ndescribe(`<P-2> is`, run);\nit.each([1])(\n  'four <P-4>', run);\n",
        'a/testing/suite.ts': "  it('does <P-3> and so on', run);\n",
      }),
    ).toEqual([]);
  });

  it('are tested by a comment of a Solidity test', () => {
    expect(
      messages({
        'docs/verde.md': '**<V-3>** Three.\n',
        'contracts/test/Disputes.t.sol':
          '    /// <V-3> a late move is refused\n    function test_a() public {}\n',
      }),
    ).toEqual([]);
  });

  it('are untested when a title or a comment of another language names them', () => {
    expect(
      messages({
        'docs/protocol.md': RULES,
        'a/b.test.ts': '// <P-1> is tested elsewhere\n',
        'a/b.ts': "const text = '<P-2>';\n",
      }),
    ).toEqual(['docs/protocol.md:3 no test names rule P-1', 'docs/protocol.md:5 no test names rule P-2']);
  });

  it('have an id of their own, with the letters of their specification', () => {
    expect(
      messages({
        'docs/repops.md': '**<RO-1>** One.\n**<RO-1>** Two.\n**<P-7>** Three.\n',
        'a.test.ts': "it('<RO-1>', run);\n",
      }),
    ).toEqual([
      'docs/repops.md:2 rule RO-1 stands in docs/repops.md:1 already',
      'docs/repops.md:3 rule P-7 belongs into docs/protocol.md',
    ]);
  });

  it('exist when a test names them', () => {
    expect(messages({ 'docs/protocol.md': RULES, 'a.test.ts': "it('<P-1> <P-2> <P-9>', run);\n" })).toEqual([
      'a.test.ts:1 there is no rule P-9',
    ]);
  });

  it('may stand in the docstring of an interface', () => {
    const docstring =
      '/**\n * - <TR-01> One.\n * - **<TR-02>** Two.\n *\n * See <TR-01>.\n */\n/** <TR-04> Four. */\n';
    expect(
      messages({
        'a/trainer.ts': docstring,
        'a/testing/contract.ts': "it('<TR-01> does', run);\nit('<TR-03> and <EIP-712>', run);\n",
      }),
    ).toEqual([
      'a/testing/contract.ts:2 there is no rule TR-03',
      'a/trainer.ts:3 no test names rule TR-02',
      'a/trainer.ts:7 no test names rule TR-04',
    ]);
  });
});
