/** What training/ and audit/ read: questions, answers of models, patterns, settings, run specifications. */
import { isDeepStrictEqual } from 'node:util';
import { decodeRunSpec, encodeRunSpec, RunSpecError, runSpecFields } from '../../audit/run-spec.ts';
import { BLOCKS, POLICY, tinySpec } from '../../audit/testing/tiny-run.ts';
import { SafetensorsError } from '../../models/checkpoint/safetensors.ts';
import { CheckpointError } from '../../models/decoder/checkpoint.ts';
import { ModelConfigError } from '../../models/decoder/config.ts';
import { LoraError } from '../../models/decoder/lora/adapters.ts';
import { freshState, ModelStateError } from '../../models/decoder/state.ts';
import { toHex } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { Checker, DataSetEntry } from '../../protocol/swarm-spec.ts';
import { SwarmSpecError } from '../../protocol/swarm-spec-codec.ts';
import { PairingError, parseOuterRecord } from '../../training/groups/pairing.ts';
import { parseRepairRecord, RepairError } from '../../training/groups/repair.ts';
import { readCheckpoint, writeCheckpoint } from '../../training/learning-checkpoint.ts';
import {
  DEFAULT_SETTINGS,
  LearningSettingsError,
  parseSettings,
  settingsText,
} from '../../training/learning-settings.ts';
import { canonicalJson } from '../../training/tasks/canonical-json.ts';
import { CheckerError } from '../../training/tasks/checker-error.ts';
import { openChecker } from '../../training/tasks/checkers.ts';
import { openDataSet } from '../../training/tasks/data-set.ts';
import { DataSetError, JSON_LINES_LIMITS, readQuestionLines } from '../../training/tasks/json-lines.ts';
import { lastNumber } from '../../training/tasks/number-text.ts';
import { compilePattern } from '../../training/tasks/pattern.ts';
import { bytesMutator } from '../mutate/bytes.ts';
import { cborMutator } from '../mutate/cbor.ts';
import { jsonMutator } from '../mutate/json.ts';
import { safetensorsMutator } from '../mutate/safetensors.ts';
import { ACCEPTED, assert, bytesOf, type FuzzTarget, jsonOf, refusedBy, textOf } from '../target.ts';
import { SMALL, smallParameters } from './model-files.ts';

const LINES = [
  '{"prompt":"What is 1 + 1?","answer":"2"}',
  '{"prompt":"Say   yes","answer":"work\\n#### yes"}',
  '{"prompt":"A list?","answer":[1,{"a":null}]}',
  '{"prompt":"Which?","answer":"B","more":0.5}',
];
const LINE_WORDS = [
  '\n',
  '{"prompt":"',
  '","answer":"',
  '"}',
  '####',
  '\\n',
  '\\u0000',
  '\\ud800',
  '\ufeff',
  '\u2028',
  '\r',
  '1e999',
];

const jsonLines: FuzzTarget = {
  name: 'training/json-lines',
  about: 'a file of questions: every line is read within its limits, or the first bad one is named',
  mutator: bytesMutator([...LINE_WORDS, ...LINES]),
  maxBytes: 4000,
  shortInputs: 1000,
  async open() {
    const fields = { prompt: 'prompt', answer: 'answer' };
    return {
      seeds: [bytesOf(`${LINES.join('\n')}\n`), bytesOf(must(LINES, 0))],
      attempt: (input) =>
        refusedBy(() => {
          const questions = readQuestionLines(input, { id: 'set', fields });
          const again = questions.map(({ prompt, answer }) => JSON.stringify({ prompt, answer })).join('\n');
          const read = readQuestionLines(again, { id: 'set', fields });
          assert(isDeepStrictEqual(read, questions), 'It reads back otherwise.');
          assert(
            questions.every(({ prompt }) => prompt.length <= JSON_LINES_LIMITS.prompt),
            'A limit does not hold.',
          );
        }, DataSetError),
    };
  },
};

const CHECKERS: readonly Checker[] = [
  { kind: 'exact', ignoreCase: true },
  { kind: 'exact', ignoreCase: false },
  { kind: 'number' },
  { kind: 'choice', choices: ['A', 'B', 'yes', 'no'] },
  { kind: 'set', separator: ',' },
  { kind: 'json' },
  { kind: 'pattern' },
];

const dataSet: FuzzTarget = {
  name: 'training/data-set',
  about: 'a data set with each kind of checker: a question takes its own answer, or the file is refused',
  mutator: bytesMutator([...LINE_WORDS, ...LINES, '1/2', '0.50', 'a|b', '[0-9]+', 'A, B']),
  maxBytes: 3000,
  shortInputs: 400,
  async open() {
    return {
      seeds: [bytesOf(`${LINES.slice(0, 2).join('\n')}\n`), bytesOf(LINES.join('\n'))].concat(
        ['1/2', 'B', '{"a":[1,2]}', '[a-z]+'].map((answer) =>
          bytesOf(
            [1, 2, 3, 4, 5, 6].map((i) => JSON.stringify({ prompt: `Question ${i}?`, answer })).join('\n'),
          ),
        ),
      ),
      async attempt(input) {
        let taken = false;
        for (const checker of CHECKERS) {
          const entry: DataSetEntry = {
            ...{ id: 'set', checker, fields: { prompt: 'prompt', answer: 'answer' }, heldOutOneIn: 2 },
            file: { path: 'set.jsonl', size: input.length, sha256: toHex(sha256Of(input)), manifest: null },
            addresses: [],
          } as unknown as DataSetEntry;
          try {
            const { items } = await openDataSet(entry, input);
            taken = true;
            for (const item of [...items.training, ...items['held-out']]) {
              const { check, explain, answer } = item;
              for (const text of [answer, `The answer is ${answer}.`, '', '<answer></answer>'])
                assert(
                  [0, 1].includes(check(text)) && explain(text).length < 20_000,
                  'A check gives no verdict.',
                );
            }
          } catch (error) {
            if (!(error instanceof DataSetError)) throw error;
          }
        }
        return taken ? ACCEPTED : { kind: 'refused', why: 'no checker takes it' };
      },
    };
  },
};

const answers: FuzzTarget = {
  name: 'training/answer-text',
  about: 'a text that a model wrote, under every checker: a verdict and a sentence, in little time',
  mutator: bytesMutator([
    ...[
      '<answer>',
      '</answer>',
      '```',
      '```json\n',
      '\\boxed{',
      '}',
      '{',
      'Answer:',
      'answer is',
      '####',
      '**',
      '$',
    ],
    ...['1,234', '-0.50', '1/2', '½', '٣', '1e5', '%', '(A)', 'B)', '[', ']', '"a":', 'null', '\u00a0', '−'],
  ]),
  maxBytes: 70_000,
  shortInputs: 500,
  async open() {
    const expected = ['Yes', 'Yes', '1/2', 'B', 'a, b', '{"a":1}', '[a-z]+[0-9]{1,3}'];
    const opened = await Promise.all(CHECKERS.map((checker) => openChecker(checker)));
    const made = opened.map((expect, i) => expect(must(expected, i)));
    return {
      seeds: [
        'Yes',
        '<answer>1/2</answer>',
        '```json\n{"a":1}\n```',
        'The answer is **B**.',
        '\\boxed{0.5}',
        'a'.repeat(5000),
      ].map(bytesOf),
      attempt(input) {
        const text = textOf(input);
        const right = made.filter((each) => {
          const answer = each.extract(text);
          assert(each.explain(answer).length < 2000, 'A sentence is too long.');
          return each.accepts(answer);
        });
        const number = lastNumber(text)?.text;
        assert(number === undefined || lastNumber(number)?.text === number, 'A number reads otherwise.');
        const json = canonicalJson(text);
        assert(json === undefined || canonicalJson(json) === json, 'Canonical JSON is not canonical.');
        return right.length > 0 ? ACCEPTED : { kind: 'refused', why: 'no checker takes it' };
      },
    };
  },
};

const pattern: FuzzTarget = {
  name: 'training/pattern',
  about: 'a regular expression of a stranger’s data set: refused, or matched in linear time',
  mutator: bytesMutator([
    ...[
      '(',
      ')',
      '(?:',
      '(?i)',
      '(?P<a>',
      '[',
      ']',
      '[^',
      '{1000}',
      '{2,5}',
      '*',
      '+',
      '?',
      '|',
      '.',
      '^',
      '$',
      '\\b',
    ],
    ...[
      '\\pL',
      '\\p{Greek}',
      '[[:alpha:]]',
      '\\Q',
      '\\E',
      '\\x{10FFFF}',
      '\\C',
      '\\1',
      '(?=',
      '(?<',
      'a',
      '((a{9}){9}){9}',
    ],
  ]),
  maxBytes: 600,
  shortInputs: 500,
  async open() {
    const texts = [
      '',
      'a',
      'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab',
      'a'.repeat(1024),
      'é𝒳\n',
      'x'.repeat(1025),
    ];
    return {
      seeds: ['a+b*', '(a|aa)+$', '[0-9]{1,3}(,[0-9]{3})*', '(?i)yes|no', '\\pL+\\s'].map(bytesOf),
      attempt: (input) =>
        refusedBy(() => {
          const matches = compilePattern(textOf(input));
          for (const text of texts) assert(typeof matches(text) === 'boolean', 'It gives no verdict.');
          assert(!matches('x'.repeat(1025)), 'A text matches that is too long.');
        }, CheckerError),
    };
  },
};

const settings: FuzzTarget = {
  name: 'training/learning-settings',
  about: 'learning settings in a checkpoint; what is taken reads back the same',
  mutator: jsonMutator(),
  maxBytes: 20_000,
  shortInputs: 500,
  async open() {
    return {
      seeds: [bytesOf(settingsText(DEFAULT_SETTINGS))],
      attempt(input) {
        const value = jsonOf(input);
        return refusedBy(
          () => {
            const read = parseSettings(value);
            assert(
              isDeepStrictEqual(parseSettings(JSON.parse(settingsText(read))), read),
              'It reads back otherwise.',
            );
          },
          LearningSettingsError,
          SwarmSpecError,
        );
      },
    };
  },
};

const learningCheckpoint: FuzzTarget = {
  name: 'training/learning-checkpoint',
  about: 'a checkpoint with learning settings; what is taken reads back the same',
  mutator: safetensorsMutator(['starling-checkpoint-1', 'training', 'reward', 'tasks']),
  maxBytes: 16_000,
  shortInputs: 150,
  async open() {
    const state = freshState(SMALL, smallParameters());
    const sample = {
      kind: 'full',
      config: SMALL,
      state,
      cursor: 3,
      rngKey: '0x00010203',
      settings: DEFAULT_SETTINGS,
    } as const;
    return {
      seeds: [writeCheckpoint(sample)],
      attempt: (input) =>
        refusedBy(
          () => {
            const read = readCheckpoint(input);
            assert(
              isDeepStrictEqual(readCheckpoint(writeCheckpoint(read)), read),
              'It reads back otherwise.',
            );
          },
          ...[SafetensorsError, ModelConfigError, CheckpointError, LearningSettingsError],
          ...[SwarmSpecError, LoraError, ModelStateError],
        ),
    };
  },
};

const groupRecords: FuzzTarget = {
  name: 'training/group-records',
  about: 'records of outer steps and of repairs; what is taken reads back the same',
  mutator: jsonMutator(),
  maxBytes: 8000,
  shortInputs: 700,
  async open() {
    const root = `0x${'ab'.repeat(32)}`;
    return {
      seeds: [
        { round: 3, roots: [root, null, root] },
        { step: 3, stage: 2, before: 1, after: 3, norms: [0.5, 1] },
      ].map((each) => bytesOf(JSON.stringify(each))),
      attempt(input) {
        const value = jsonOf(input);
        const outer = refusedBy(() => {
          const read = parseOuterRecord(value);
          assert(isDeepStrictEqual(parseOuterRecord(read), read), 'It reads back otherwise.');
        }, PairingError);
        const repair = refusedBy(() => {
          const read = parseRepairRecord(value);
          assert(isDeepStrictEqual(parseRepairRecord(read), read), 'It reads back otherwise.');
        }, RepairError);
        return outer.kind === 'accepted' ? outer : repair;
      },
    };
  },
};

const runSpec: FuzzTarget = {
  name: 'audit/run-spec',
  about: 'the specification of a claimed run, DAG-CBOR or JSON; what is taken reads back the same',
  mutator: cborMutator(),
  maxBytes: 70_000,
  shortInputs: 700,
  async open() {
    const specs = [tinySpec(), tinySpec({ work: POLICY }), tinySpec({ work: BLOCKS })];
    return {
      seeds: specs.map(encodeRunSpec),
      attempt: (input) => refusedBy(() => readsBack(input), RunSpecError, ModelConfigError),
    };
  },
};

const runSpecJson: FuzzTarget = {
  name: 'audit/run-spec-json',
  about: 'the same as JSON',
  mutator: jsonMutator(),
  maxBytes: 70_000,
  shortInputs: 500,
  async open() {
    const specs = [tinySpec(), tinySpec({ work: POLICY }), tinySpec({ work: BLOCKS })];
    return {
      seeds: specs.map((spec) => bytesOf(JSON.stringify(runSpecFields(spec)))),
      attempt: (input) => refusedBy(() => readsBack(input), RunSpecError, ModelConfigError),
    };
  },
};

function readsBack(input: Uint8Array): void {
  const read = decodeRunSpec(input);
  assert(isDeepStrictEqual(decodeRunSpec(encodeRunSpec(read)), read), 'It reads back otherwise.');
}

export const trainingTargets: readonly FuzzTarget[] = [
  jsonLines,
  dataSet,
  answers,
  pattern,
  settings,
  learningCheckpoint,
  groupRecords,
];
export const auditTargets: readonly FuzzTarget[] = [runSpec, runSpecJson];
