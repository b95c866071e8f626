import type { EngineVerdict } from '../models/engine-choice/choose.ts';
import { type ConformanceReport, UNTESTED } from '../protocol/conformance-report.ts';
import type { EngineReport } from './engine-report.ts';

/**
 * The conformance gate's verdict on the engine in use. It is announced to the swarm and attested with each
 * round.
 */
export function conformanceOf({
  kind,
  verdicts,
  suite,
}: Pick<EngineReport<EngineVerdict>, 'kind' | 'verdicts' | 'suite'>): ConformanceReport {
  const verdict = verdicts.find((candidate) => candidate.kind === kind);
  if (verdict === undefined || verdict.checks === 0) {
    return UNTESTED;
  }
  return {
    verdict: verdict.same === verdict.checks ? 'passed' : 'failed',
    detail: `${verdict.same} of ${verdict.checks} checks`,
    suite,
  };
}
