/**
 * Runs the checks of the house that no other tool knows, or only the named ones; `--list` names every
 * finding.
 *
 *   npx tsx tools/check/main.ts [--list] [circles] [references] [mentions] [line-length] ...
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { checkCircles } from './circles.ts';
import { type Check, type Finding, houseAt } from './house.ts';
import { checkLineLength } from './line-length.ts';
import { checkLockedPackages } from './locked-packages.ts';
import { checkMentions } from './mentions.ts';
import { checkReferences } from './references.ts';
import { checkRoomSize } from './room-size.ts';
import { checkRoomsPicture } from './rooms-picture.ts';
import { checkRuleIds } from './rule-ids.ts';

const CHECKS: Readonly<Record<string, Check>> = {
  circles: checkCircles,
  references: checkReferences,
  mentions: checkMentions,
  'line-length': checkLineLength,
  'locked-packages': checkLockedPackages,
  'rule-ids': checkRuleIds,
  'room-size': checkRoomSize,
  'rooms-picture': checkRoomsPicture,
};
/** Findings shown without `--list`. */
const FEW = 10;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { list: { type: 'boolean', default: false } },
});
const unknown = positionals.find((name) => !Object.hasOwn(CHECKS, name));
if (unknown !== undefined) {
  console.error(`There is no check "${unknown}". Name one of: ${Object.keys(CHECKS).join(', ')}.`);
  process.exit(2);
}
const house = houseAt(fileURLToPath(new URL('../..', import.meta.url)));
for (const [name, check] of Object.entries(CHECKS)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  const { findings, summary } = check(house);
  console.log(`${findings.length === 0 ? 'ok  ' : 'FAIL'}  ${name}`);
  for (const line of summary) console.log(`      ${line}`);
  const shown = values.list ? findings : findings.slice(0, FEW);
  for (const finding of shown) console.log(`  ${inWords(finding)}`);
  if (shown.length < findings.length) console.log(`  … and ${findings.length - shown.length} more (--list)`);
  if (findings.length > 0) process.exitCode = 1;
}

function inWords({ file, line, message }: Finding): string {
  return `${line === undefined ? file : `${file}:${line}`} ${message}`;
}
