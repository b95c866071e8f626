import { FrozenJudge, type Verdict } from '../../frozen-judge.ts';
import { loadRuntime } from '../../runtime.ts';
import { judgeModel, QUESTIONS } from '../judge-case.ts';
import { fetchBundledWasm } from '../page-wasm.ts';

export async function judgeAll(): Promise<readonly Verdict[]> {
  const runtime = await loadRuntime(await fetchBundledWasm());
  const judge = await FrozenJudge.open({ runtime, model: judgeModel() });
  const verdicts: Verdict[] = [];
  for (const question of QUESTIONS) verdicts.push(await judge.judge(question));
  await judge.close();
  return verdicts;
}
