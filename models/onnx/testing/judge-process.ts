/** Prints the verdicts of the judge case as JSON, in a process of its own. */
import { FrozenJudge } from '../frozen-judge.ts';
import { readInstalledWasm } from '../node-wasm.ts';
import { loadRuntime } from '../runtime.ts';
import { judgeModel, QUESTIONS } from './judge-case.ts';

const runtime = await loadRuntime(await readInstalledWasm());
const judge = await FrozenJudge.open({ runtime, model: judgeModel() });
const verdicts = [];
for (const question of QUESTIONS) verdicts.push(await judge.judge(question));
console.log(JSON.stringify(verdicts));
await judge.close();
