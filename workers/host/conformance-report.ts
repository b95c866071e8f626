import type { Conformance } from '../../swarm/messages/bodies.ts';
import type { EngineVerdict } from '../conformance/choose.ts';
import type { EngineReport } from './compute-host.ts';

/** The gate's verdict on the engine in use, as it is told to the swarm and attested with a round. */
export function conformanceOf({
  kind,
  verdicts,
  suite,
}: Pick<EngineReport<EngineVerdict>, 'kind' | 'verdicts' | 'suite'>): Conformance {
  const verdict = verdicts.find((candidate) => candidate.kind === kind);
  if (verdict === undefined || verdict.checks === 0) {
    return { verdict: 'untested', detail: '', suite: `0x${'00'.repeat(32)}` };
  }
  return {
    verdict: verdict.same === verdict.checks ? 'passed' : 'failed',
    detail: `${verdict.same} of ${verdict.checks} checks`,
    suite,
  };
}
