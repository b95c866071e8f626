import type { Check, Finding, House } from './house.ts';
import { lineAt } from './house.ts';
import { commentsOf } from './source-text.ts';

/** Specifications whose rules have ids, with the letters that their ids begin with. */
const SPECIFICATIONS: Readonly<Record<string, string>> = {
  B: 'docs/blocks.md',
  P: 'docs/protocol.md',
  RO: 'docs/repops.md',
  S: 'docs/swarms.md',
  V: 'docs/verde.md',
};

const IN_SPECIFICATION = /\*\*\[([A-Z]+)-(\d+[a-z]?)\]\*\*/g;
/**
 * The beginning of a line in the docstring of an interface: ` * - [TR-01] Text`, bold or not, `/** [TR-01]
 * Text`.
 */
const IN_DOCSTRING = /^[ \t]*(?:\/\*\*|\*)[ \t]+(?:- )?(?:\*\*)?\[([A-Z]+)-(\d+[a-z]?)\](?:\*\*)? [A-Z`]/gm;
const NAMED = /\[([A-Z]+)-(\d+[a-z]?)\]/g;
const TEST_FILE = /\.(test|spec)\.tsx?$|\/testing\/.*\.tsx?$/;

interface Mention {
  readonly id: string;
  readonly file: string;
  readonly line: number;
}

/**
 * A rule is `**[P-3]** …` in its specification, or a line `- [TR-01] …` in an interface's
 * docstring. Each must be named in brackets by the title of a test (`it('[P-3] …')`), or by a comment of a
 * Solidity test. No id stands twice, and no test names one that does not exist.
 */
export const checkRuleIds: Check = (house) => {
  const findings: Finding[] = [];
  const rules = new Map<string, Mention>();
  for (const mention of definitions(house)) {
    const { id, file, line } = mention;
    const specification = SPECIFICATIONS[lettersOf(id)];
    const first = rules.get(id);
    if (specification !== undefined && specification !== file)
      findings.push({ file, line, message: `rule ${id} belongs into ${specification}` });
    else if (first !== undefined)
      findings.push({ file, line, message: `rule ${id} stands in ${first.file}:${first.line} already` });
    else rules.set(id, mention);
  }
  const families = new Set([...Object.keys(SPECIFICATIONS), ...[...rules.keys()].map(lettersOf)]);
  const tested = new Set<string>();
  for (const { id, file, line } of house.files.flatMap((path) => testMentions(house, path))) {
    if (rules.has(id)) tested.add(id);
    else if (families.has(lettersOf(id))) findings.push({ file, line, message: `there is no rule ${id}` });
  }
  for (const [id, { file, line }] of rules)
    if (!tested.has(id)) findings.push({ file, line, message: `no test names rule ${id}` });
  const counts = [...families].sort().map((letters) => {
    const ids = [...rules.keys()].filter((id) => lettersOf(id) === letters);
    const place = SPECIFICATIONS[letters] ?? rules.get(ids[0] ?? '')?.file;
    return `${letters.padEnd(3)} ${place}: ${ids.length} rules, ${ids.filter((id) => tested.has(id)).length} with a test`;
  });
  return { findings, summary: counts };
};

function definitions(house: House): Mention[] {
  return house.files.flatMap((file) => {
    if (Object.values(SPECIFICATIONS).includes(file)) return mentionsIn(house, file, IN_SPECIFICATION);
    if (!/\.tsx?$/.test(file) || TEST_FILE.test(file)) return [];
    return mentionsIn(house, file, IN_DOCSTRING).filter(
      ({ id }) => !Object.hasOwn(SPECIFICATIONS, lettersOf(id)),
    );
  });
}

function lettersOf(id: string): string {
  return id.slice(0, id.indexOf('-'));
}

/** The title of a suite or a test: the first argument, also after `.each(…)` or `.skipIf(…)`. */
const TITLE = /(?:\b(?:it|test|describe)(?:\.\w+)*|[\])])\(\s*(['"`])(?:\\.|(?!\1)[\s\S])*\1/g;

/** Ids in the titles of TypeScript tests and suites, or in comments of Solidity tests. */
function testMentions(house: House, file: string): Mention[] {
  if (file.endsWith('.t.sol')) return mentionsIn(house, file, NAMED, commentsOf(file, house.read(file)));
  if (!TEST_FILE.test(file)) return [];
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
    .map(({ 1: letters, 2: number, index }) => ({
      id: `${letters}-${number}`,
      file,
      line: lineAt(text, index),
    }));
}
