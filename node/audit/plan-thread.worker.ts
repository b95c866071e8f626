/** The thread of plan-thread.ts: takes bytes of specifications and answers with the roots of their data. */
import { parentPort } from 'node:worker_threads';
import { planRun } from '../../audit/run-plan.ts';
import { decodeRunSpec } from '../../audit/run-spec.ts';
import { messageOf } from '../../protocol/message-of.ts';
import type { PlanAnswer } from './plan-thread.ts';

parentPort?.on('message', (bytes: Uint8Array) => {
  parentPort?.postMessage({ kind: 'started' });
  parentPort?.postMessage(answerTo(bytes));
});

function answerTo(bytes: Uint8Array): PlanAnswer {
  try {
    return { kind: 'planned', dataRoots: planRun(decodeRunSpec(bytes)).dataRoots };
  } catch (error) {
    return { kind: 'unusable', problem: messageOf(error) };
  }
}
