import { useEffect, useId, useState } from 'react';
import { toHex } from '../../protocol/hex.ts';
import { messageOf } from '../../protocol/message-of.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { Checker } from '../../protocol/swarm-spec.ts';
import type { QuestionReport } from '../../training/tasks/question-report.ts';
import { Button } from '../ui/button.tsx';
import { CheckBox } from '../ui/check-box.tsx';
import { Field } from '../ui/field.tsx';
import { FileButton } from '../ui/file-button.tsx';
import { formatBytes, plural } from '../ui/format.ts';
import { Select } from '../ui/select.tsx';
import { draftDataSet, type SwarmDraft } from './swarm-draft.ts';
import type { SwarmsPort } from './swarms-port.ts';

interface StartQuestionsProps {
  readonly swarms: SwarmsPort;
  readonly draft: SwarmDraft;
  readonly onChange: (draft: SwarmDraft) => void;
  /** Told whether the file can be used: false while it is read and while it has mistakes. */
  readonly onReadable: (readable: boolean) => void;
}

const CHECKERS: readonly { readonly value: Checker['kind']; readonly text: string }[] = [
  { value: 'exact', text: 'the same text' },
  { value: 'number', text: 'the same number, the last one of the answer' },
  { value: 'choice', text: 'the right one of some choices' },
  { value: 'set', text: 'the same elements in any order' },
  { value: 'pattern', text: 'text that matches a pattern (RE2)' },
  { value: 'json', text: 'equal JSON' },
];

/** A larger file is not passed from member to member, and needs an address. */
const LARGEST_FILE = 2 ** 20;

/** A file of questions of one's own, and how its answers are checked. */
export function StartQuestions({ swarms, draft, onChange, onReadable }: StartQuestionsProps) {
  const [refused, setRefused] = useState<string | null>(null);
  const checker = useId();
  const { file } = draft;
  const report = useReport(swarms, draft);
  useEffect(() => onReadable(file === null || report?.kind === 'read'), [onReadable, file, report]);

  const pick = async (list: FileList | null) => {
    const [picked] = list ?? [];
    if (picked === undefined) return;
    if (picked.size > LARGEST_FILE) {
      const most = formatBytes(LARGEST_FILE);
      setRefused(
        `${picked.name} has ${formatBytes(picked.size)}, and members pass on at most ${most}. Split it.`,
      );
      return;
    }
    setRefused(null);
    const bytes = new Uint8Array(await picked.arrayBuffer());
    onChange({ ...draft, file: { name: picked.name, bytes, sha256: toHex(sha256Of(bytes)) } });
  };

  return (
    <fieldset className="space-y-4">
      <legend className="text-note font-medium">Questions of your own</legend>
      <p className="-mt-3 text-note text-quiet">
        A file with one JSON object on each line, such as{' '}
        <code className="font-mono">{'{"prompt": "How many legs have two ants?", "answer": "12"}'}</code>.
        Members of the swarm get the file.
      </p>
      <div className="flex flex-wrap items-center gap-3">
        <FileButton
          look="small"
          testId="start-file"
          label="File of questions"
          single
          accept=".jsonl,.ndjson,.json,.txt"
          onFiles={(list) => void pick(list)}
        >
          {file === null ? 'Choose a file' : 'Choose another file'}
        </FileButton>
        {file === null ? null : (
          <>
            <p className="text-note">
              {file.name}, {formatBytes(file.bytes.length)}
            </p>
            <Button look="text" onClick={() => onChange({ ...draft, file: null })}>
              Leave it out
            </Button>
          </>
        )}
      </div>
      {refused === null ? null : (
        <p className="text-note text-bad" role="status" data-testid="start-file-refused">
          {refused}
        </p>
      )}
      {file === null ? null : (
        <>
          <div className="grid gap-x-6 gap-y-4 sm:grid-cols-3">
            <Field
              kind="text"
              label="Field of the question"
              value={draft.promptField}
              testId="start-prompt-field"
              onChange={(promptField) => onChange({ ...draft, promptField })}
            />
            <Field
              kind="text"
              label="Field of the answer"
              value={draft.answerField}
              testId="start-answer-field"
              onChange={(answerField) => onChange({ ...draft, answerField })}
            />
            <Field
              label="Hold out one question in"
              value={draft.heldOutOneIn}
              testId="start-held-out"
              onChange={(heldOutOneIn) => onChange({ ...draft, heldOutOneIn })}
            />
          </div>
          <div className="grid gap-x-6 gap-y-4 sm:grid-cols-2">
            <div>
              <label htmlFor={checker} className="text-note font-medium">
                An answer is right when it is
              </label>
              <Select
                id={checker}
                testId="start-checker"
                value={draft.checker}
                options={CHECKERS}
                className="mt-1 block min-h-11 w-full text-body"
                onChange={(kind) => onChange({ ...draft, checker: kind })}
              />
            </div>
            <CheckerOptions draft={draft} onChange={onChange} />
          </div>
          <Report report={report} />
        </>
      )}
    </fieldset>
  );
}

function CheckerOptions({ draft, onChange }: Pick<StartQuestionsProps, 'draft' | 'onChange'>) {
  switch (draft.checker) {
    case 'exact':
      return (
        <div className="self-end">
          <CheckBox
            testId="start-ignore-case"
            checked={draft.ignoreCase}
            onChange={(ignoreCase) => onChange({ ...draft, ignoreCase })}
          >
            Upper and lower case are the same
          </CheckBox>
        </div>
      );
    case 'choice':
      return (
        <Field
          kind="text"
          label="Choices, with commas between them"
          value={draft.choices}
          testId="start-choices"
          onChange={(choices) => onChange({ ...draft, choices })}
        />
      );
    case 'set':
      return (
        <Field
          kind="text"
          label="Between the elements stands"
          value={draft.separator}
          testId="start-separator"
          onChange={(separator) => onChange({ ...draft, separator })}
        />
      );
    case 'number':
    case 'pattern':
    case 'json':
      return null;
  }
}

/** Reads the draft's file again whenever something that its reading depends on has changed. */
function useReport(swarms: SwarmsPort, draft: SwarmDraft): QuestionReport | null {
  const [report, setReport] = useState<QuestionReport | null>(null);
  const { file } = draft;
  const entry = file === null ? null : draftDataSet(draft, file);
  const key = entry === null ? null : JSON.stringify(entry);
  useEffect(() => {
    setReport(null);
    if (entry === null || file === null) return;
    let current = true;
    swarms.readQuestions(entry, file.bytes).then(
      (read) => {
        if (current) setReport(read);
      },
      (error: unknown) => {
        const mistakes = [{ line: null, sentence: messageOf(error) }];
        if (current) setReport({ kind: 'mistakes', mistakes, more: false });
      },
    );
    return () => {
      current = false;
    };
  }, [swarms, key]);
  return report;
}

function Report({ report }: { readonly report: QuestionReport | null }) {
  if (report === null) return <p className="text-note text-quiet">Reading the file…</p>;
  if (report.kind === 'read') {
    const { training, heldOut, first } = report;
    return (
      <div className="rounded-lg bg-sunken px-4 py-3 text-note" data-testid="start-questions" role="status">
        <p>
          {plural(training, 'question')} to train on, and {heldOut} held out.
        </p>
        <dl className="mt-1 text-quiet">
          {first.map(({ prompt, answer }) => (
            <div key={prompt} className="flex flex-wrap gap-x-3">
              <dt className="min-w-0">{prompt.slice(0, 120)}</dt>
              <dd className="font-mono text-ink">{answer.slice(0, 60)}</dd>
            </div>
          ))}
        </dl>
      </div>
    );
  }
  const { mistakes, more } = report;
  return (
    <div className="rounded-lg bg-bad-soft px-4 py-3 text-note" data-testid="start-mistakes" role="status">
      <p className="font-medium">This file cannot be used yet.</p>
      <ul className="mt-1 space-y-0.5">
        {mistakes.map(({ line, sentence }) => (
          <li key={`${line} ${sentence}`}>{line === null ? sentence : `Line ${line}: ${sentence}`}</li>
        ))}
      </ul>
      {more ? <p className="mt-1">There may be more.</p> : null}
    </div>
  );
}
