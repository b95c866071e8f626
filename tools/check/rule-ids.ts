import type { Check, Finding, House } from './house.ts';
import { lineAt } from './house.ts';
import { commentsOf } from './source-text.ts';

/** Specifications whose rules have ids, with the letters that their ids begin with. */
const SPECIFICATIONS: Readonly<Record<string, string>> = {
  P: 'docs/protocol.md',
  RO: 'docs/repops.md',
  V: 'docs/verde.md',
};

const DEFINED = /\*\*\[([A-Z]+)-(\d+[a-z]?)\]\*\*/g;
const NAMED = /\[([A-Z]+)-(\d+[a-z]?)\]/g;

interface Mention {
  readonly id: string;
  readonly file: string;
  readonly line: number;
}

/**
 * A rule is `**[P-3]** …` in its specification. Each must be named in brackets by the title of a test
 * (`it('[P-3] …')`), or by a `///` or `//` comment of a Solidity test. No id stands twice, and no test
 * names one that does not exist.
 */
export const checkRuleIds: Check = (house) => {
  const findings: Finding[] = [];
  const rules = new Map<string, Mention>();
  for (const [letters, file] of Object.entries(SPECIFICATIONS)) {
    if (!house.files.includes(file)) continue;
    for (const mention of mentionsIn(house, file, DEFINED)) {
      const first = rules.get(mention.id);
      if (!mention.id.startsWith(`${letters}-`))
        findings.push({
          ...mention,
          message: `rule ${mention.id} should begin with ${letters}- in this file`,
        });
      else if (first !== undefined)
        findings.push({ ...mention, message: `rule ${mention.id} stands in line ${first.line} already` });
      else rules.set(mention.id, mention);
    }
  }
  const tested = new Set<string>();
  for (const mention of house.files.flatMap((file) => testMentions(house, file))) {
    if (rules.has(mention.id)) tested.add(mention.id);
    else findings.push({ ...mention, message: `no specification has a rule ${mention.id}` });
  }
  for (const [id, { file, line }] of rules)
    if (!tested.has(id)) findings.push({ file, line, message: `no test names rule ${id}` });
  const counts = Object.entries(SPECIFICATIONS).map(([letters, file]) => {
    const ids = [...rules.keys()].filter((id) => id.startsWith(`${letters}-`));
    return `${file}: ${ids.length} rules, ${ids.filter((id) => tested.has(id)).length} with a test`;
  });
  return { findings, summary: counts };
};

/** The title of a suite or a test: the first argument, also after `.each(…)` or `.skipIf(…)`. */
const TITLE = /(?:\b(?:it|test|describe)(?:\.\w+)*|[\])])\(\s*(['"`])(?:\\.|(?!\1)[\s\S])*\1/g;

/** Ids in the titles of TypeScript tests and suites, or in comments of Solidity tests. */
function testMentions(house: House, file: string): Mention[] {
  if (file.endsWith('.t.sol')) return mentionsIn(house, file, NAMED, commentsOf(file, house.read(file)));
  if (!/\.(test|spec)\.tsx?$|\/testing\/.*\.tsx?$/.test(file)) return [];
  const titles = [...house.read(file).matchAll(TITLE)].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
  }));
  return mentionsIn(house, file, NAMED, titles);
}

/** The ids of a text, or only those within some ranges of it. */
function mentionsIn(
  house: House,
  file: string,
  pattern: RegExp,
  within?: readonly { readonly start: number; readonly end: number }[],
): Mention[] {
  const text = house.read(file);
  return [...text.matchAll(pattern)]
    .filter(
      ({ index }) => within === undefined || within.some(({ start, end }) => index >= start && index < end),
    )
    .filter(([, letters]) => letters !== undefined && Object.hasOwn(SPECIFICATIONS, letters))
    .map(({ 1: letters, 2: number, index }) => ({
      id: `${letters}-${number}`,
      file,
      line: lineAt(text, index),
    }));
}
