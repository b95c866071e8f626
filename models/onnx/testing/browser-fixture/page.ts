/** Judges the judge case in a page. The judge is loaded on the first call. */
import type { Verdict } from '../../frozen-judge.ts';

declare global {
  interface Window {
    judgeAll(): Promise<readonly Verdict[]>;
  }
}

window.judgeAll = async () => {
  const { judgeAll } = await import('./judge.ts');
  return await judgeAll();
};
