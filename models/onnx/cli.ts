/**
 * `npm run export`: writes a model as an ONNX file, or judges with one. Exits with 0, or with 1 and a
 * sentence.
 */
import { messageOf } from '../../protocol/message-of.ts';
import { EXPORT_HELP, exportToFile, parseExportFlags } from './export-command.ts';
import { describePin, JUDGE_HELP, judgeAnswers, parseJudgeFlags, replayVerdict } from './judge-command.ts';

async function runExport(args: readonly string[]): Promise<void> {
  const flags = parseExportFlags(args);
  if (flags === 'help') return console.log(`${EXPORT_HELP}\n\n${JUDGE_HELP}`);
  const exported = await exportToFile(flags);
  console.log(
    flags.json
      ? JSON.stringify(exported)
      : `${exported.out}: ${exported.bytes} bytes, SHA-256 ${exported.sha256}, ${exported.arithmetic}`,
  );
}

async function runJudge(kind: 'judge' | 'replay', args: readonly string[]): Promise<void> {
  const flags = parseJudgeFlags(kind, args);
  if (flags === 'help') return console.log(JUDGE_HELP);
  if (flags.kind === 'replay') {
    const replay = await replayVerdict(flags);
    console.log(replay.same ? 'same bits' : `not the same: ${replay.difference}`);
    if (!replay.same) process.exitCode = 1;
    return;
  }
  const verdicts = await judgeAnswers(flags);
  for (const [index, verdict] of verdicts.entries()) {
    console.log(
      flags.json
        ? JSON.stringify(verdict)
        : `${verdict.score.toFixed(6)}  ${JSON.stringify(flags.answers[index])}`,
    );
  }
  if (!flags.json && verdicts[0] !== undefined) console.log(`judge: ${describePin(verdicts[0].pin)}`);
}

try {
  const [command, ...rest] = process.argv.slice(2);
  if (command === 'judge' || command === 'replay') await runJudge(command, rest);
  else await runExport(process.argv.slice(2));
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
