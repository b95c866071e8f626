/**
 * `npm run simulate -- skippipe [--json] [--seconds N] [--write]`: recomputes the published schedules, plans
 * anew in their setting, and prints what came out. The last line is JSON: { published, planner,
 * eventExactCut }. `--json` prints that line alone. `--seconds` is how much planning, as seconds of one core;
 * it defaults to 60 and stands for a fixed number of changes tried, so that equal numbers give equal results.
 * `--write` renews the plans and docs/results/pipeline.md with its pictures.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { messageOf } from '../../protocol/message-of.ts';
import { simulate } from '../simulate.ts';
import { type Comparison, compare, summaryOf } from '../skippipe/comparison.ts';
import { ownRouteInjections } from '../skippipe/injections.ts';
import { publishedSetting } from '../skippipe/setting.ts';
import { departuresOf, publishedTiming } from '../skippipe/timing.ts';
import { drawBars } from './draw-bars.ts';
import { drawGantt } from './draw-gantt.ts';
import { barsOf, leverTableOf, ringTableOf, tableOf } from './results-text.ts';

const RESULTS = new URL('../../docs/results/', import.meta.url);
const PLANS = new URL('../skippipe/our-plans.json', import.meta.url);
const LONGEST_SECONDS = 36_000;

const USAGE =
  'Usage: npm run simulate -- skippipe [--json] [--seconds N] [--write]\n' +
  `N is a number above 0, and at most ${LONGEST_SECONDS}.`;

const { values, positionals } = (() => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        seconds: { type: 'string', default: '60' },
        write: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    console.error(`${messageOf(error)}\n\n${USAGE}`);
    process.exit(2);
  }
})();
const seconds = Number(values.seconds);
if (positionals.join(' ') !== 'skippipe' || !(seconds > 0 && seconds <= LONGEST_SECONDS)) {
  console.error(USAGE);
  process.exitCode = 2;
} else await main();

async function main(): Promise<void> {
  const report = (line: string) => console.error(`${(process.cpuUsage().user / 1e6).toFixed(1)} s: ${line}`);
  const comparison = compare({ seconds, report });
  report('done');
  if (values.write) await writeResults(comparison);
  if (!values.json)
    console.log([tableOf(comparison), ringTableOf(comparison), leverTableOf(comparison)].join('\n\n'));
  console.log(JSON.stringify(summaryOf(comparison)));
}

async function writeResults(comparison: Comparison): Promise<void> {
  const { plan, serialPlan, planFigures, serialPlanFigures } = comparison;
  const plans = {
    about:
      'Found by npm run simulate -- skippipe --write. Seconds are of the model that the plan was made for.',
    published: { seconds: planFigures.published, ...plan },
    serialUplink: { seconds: serialPlanFigures.serialUplink, ...serialPlan },
  };
  await writeFile(PLANS, `${JSON.stringify(plans, undefined, 1)}\n`);
  await writeFile(
    new URL('pipeline.svg', RESULTS),
    drawBars('Makespan of a step, event-exact, serial uplink', barsOf(comparison)),
  );
  const setting = publishedSetting();
  const run = simulate(
    publishedTiming(setting, { serialUplink: true }),
    departuresOf(ownRouteInjections(serialPlan.routes, setting.forward)),
  );
  const rows = serialPlan.stages.flatMap((nodes, stage) =>
    nodes.map((node) => ({ node, label: `stage ${stage}: ${setting.siteOfNode[node]}` })),
  );
  await writeFile(
    new URL('pipeline-gantt.svg', RESULTS),
    drawGantt({ title: 'The plan for a serial uplink: what each node computes', run, rows }),
  );
  const numbers = [
    tableOf(comparison),
    '![Makespans of a step](pipeline.svg)',
    ringTableOf(comparison),
    leverTableOf(comparison),
    '![What each node computes when](pipeline-gantt.svg)',
  ].join('\n\n');
  await writeNumbers(numbers);
}

/** Replaces what stands between the page's two marks. */
async function writeNumbers(numbers: string): Promise<void> {
  const page = new URL('pipeline.md', RESULTS);
  const [before = '', rest] = (await readFile(page, 'utf8')).split('<!-- numbers:');
  const after = rest?.split('<!-- end of numbers -->')[1] ?? '\n';
  const command = 'npm run simulate -- skippipe --write';
  await writeFile(
    page,
    `${before}<!-- numbers: written by ${command} -->\n\n${numbers}\n\n<!-- end of numbers -->${after}`,
  );
}
