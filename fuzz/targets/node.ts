/** What node/ reads beside HTTP: records of an archive, and the command lines of npm's programs. */
import { isDeepStrictEqual } from 'node:util';
import { parseChaosCommandLine } from '../../e2e/chaos/command-line.ts';
import { ExportCommandError, parseExportFlags } from '../../models/onnx/export-command.ts';
import { JudgeCommandError, parseJudgeFlags } from '../../models/onnx/judge-command.ts';
import {
  formatRecord,
  parseRecord,
  parseRecordName,
  RecordError,
  recordName,
} from '../../node/archive/round-record.ts';
import { parseAuditSettings } from '../../node/audit/audit-settings.ts';
import { parseDefendSettings } from '../../node/audit/defend-settings.ts';
import { parseDeploySettings } from '../../node/deploy/settings.ts';
import { UsageError } from '../../node/home/command-line.ts';
import { parseIdentitiesSettings } from '../../node/identities/settings.ts';
import { settingsOf } from '../../node/pipeline/command.ts';
import { parseReplaySettings } from '../../node/replay/settings.ts';
import { parseServeSettings } from '../../node/serve/settings.ts';
import { parseSwarmSettings } from '../../node/swarms/settings.ts';
import { parseVolunteerSettings } from '../../node/volunteer-settings.ts';
import { bytesMutator } from '../mutate/bytes.ts';
import { jsonMutator } from '../mutate/json.ts';
import { linesMutator } from '../mutate/lines.ts';
import { parseFuzzSettings } from '../settings.ts';
import {
  assert,
  bytesOf,
  type ErrorClass,
  type FuzzTarget,
  type OpenTarget,
  type Outcome,
  refusedBy,
  textOf,
} from '../target.ts';
import { httpTargets } from './http.ts';

const roundRecord: FuzzTarget = {
  name: 'node/round-record',
  about: 'a record of an archive; what is taken reads back the same',
  mutator: jsonMutator(),
  maxBytes: 8000,
  shortInputs: 500,
  async open() {
    const hex = (bytes: number) => `0x${'ab'.repeat(bytes)}`;
    const cid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
    const record = {
      ...{
        version: 1,
        run: '31337:0xaa:0',
        device: hex(20),
        round: 4,
        seed: hex(32),
        checkpointRoot: hex(32),
      },
      ...{
        rolloutDigest: hex(32),
        signature: hex(65),
        previousRoot: hex(32),
        checkpoint: cid,
        rollouts: cid,
      },
      ...{
        foreign: [
          { cid, author: hex(20) },
          { cid, author: null },
        ],
        engine: 'wasm SIMD',
      },
    };
    return {
      seeds: [bytesOf(JSON.stringify(record))],
      attempt: (input) =>
        refusedBy(() => {
          const read = parseRecord(textOf(input));
          assert(isDeepStrictEqual(parseRecord(formatRecord(read)), read), 'It reads back otherwise.');
        }, RecordError),
    };
  },
};

const recordFile: FuzzTarget = {
  name: 'node/record-name',
  about: 'the name of a file in an archive: a record’s, or none',
  mutator: bytesMutator(['.json', '0x', '-', '/', '..', '0000000000004']),
  maxBytes: 100,
  shortInputs: 500,
  async open() {
    return {
      seeds: [bytesOf(recordName({ round: 4, device: `0x${'ab'.repeat(20)}` }))],
      attempt(input): Outcome {
        const name = textOf(input);
        const read = parseRecordName(name);
        if (read === undefined) return { kind: 'refused', why: 'no record' };
        assert(recordName(read) === name, 'The name is of another record.');
        return { kind: 'accepted' };
      },
    };
  },
};

const FLAG_WORDS = [
  ...[
    '--',
    '-',
    '--help',
    '-h',
    '--json',
    '--no-json',
    '=',
    '--home',
    '--home=',
    '--seed',
    '0',
    '-1',
    '1',
    '3',
    '16',
  ],
  ...[
    '65535',
    '65536',
    '1e3',
    '0x10',
    '٣',
    '1.5',
    '',
    ' ',
    'NaN',
    '99999999999999999999',
    '../..',
    '--__proto__',
  ],
  ...[
    '--constructor',
    '--toString=1',
    '-abc',
    '--threads=4',
    'é',
    '\ud800',
    '\u202e',
    '--network',
    'network.json',
  ],
];

/** A command line as an input, an argument a line. What is refused is an error of the parser's own. */
function commandLine(options: {
  readonly command: string;
  readonly seeds: readonly (readonly string[])[];
  readonly parse: (argv: readonly string[]) => unknown;
  readonly errors: readonly ErrorClass[];
}): FuzzTarget {
  const { command, seeds, parse, errors } = options;
  const flags = seeds.flat().filter((word) => word.startsWith('-'));
  return {
    name: `node/command-${command}`,
    about: `the command line of npm run ${command}: settings, help, or a sentence with the remedy`,
    mutator: linesMutator([...FLAG_WORDS, ...flags]),
    maxBytes: 2000,
    shortInputs: 200,
    async open(): Promise<OpenTarget> {
      return {
        seeds: seeds.map((argv) => bytesOf(argv.join('\n'))),
        async attempt(input): Promise<Outcome> {
          const text = textOf(input);
          try {
            await parse(text === '' ? [] : text.split('\n'));
            return { kind: 'accepted' };
          } catch (error) {
            if (!(error instanceof Error) || !errors.some((each) => error instanceof each)) throw error;
            assert(
              error.message.length > 10 && error.message.length < 10_000,
              'The sentence is too short or too long.',
            );
            return { kind: 'refused', why: error.message };
          }
        },
      };
    },
  };
}

const commands: readonly FuzzTarget[] = [
  commandLine({
    ...{ command: 'serve', parse: parseServeSettings, errors: [UsageError] },
    seeds: [
      ['network.json'],
      [
        'network.json',
        '--announce',
        '/dns4/relay.example.org/tcp/443/wss',
        '--ws-port',
        '9001',
        '--behind-proxy',
      ],
      [
        'n.json',
        '--gas-per-day',
        '1',
        '--max-fee',
        '0.5',
        '--swarms',
        '2',
        '--disk-gigabytes=3',
        '--turn-ttl',
        '60',
      ],
      ['--help'],
    ],
  }),
  commandLine({
    ...{ command: 'audit', parse: (argv) => parseAuditSettings(argv, 'state'), errors: [UsageError] },
    seeds: [
      ['--once', '--json', '--threads', '2'],
      ['--game', '3'],
      ['--max-bond', '0.5', '--poll=100'],
    ],
  }),
  commandLine({
    ...{ command: 'defend', parse: (argv) => parseDefendSettings(argv, 'state'), errors: [UsageError] },
    seeds: [
      ['--claim', 'spec.json', '--engine', 'reference'],
      ['--once', '--max-steps', '10'],
    ],
  }),
  commandLine({
    ...{ command: 'replay', parse: (argv) => parseReplaySettings(argv, 'state'), errors: [UsageError] },
    seeds: [
      ['0xab:last', '--engine', 'wasm', '--ask'],
      ['--list'],
      ['a.json', '--state', 'f', '--threads=4'],
    ],
  }),
  commandLine({
    ...{ command: 'volunteer', parse: (argv) => parseVolunteerSettings(argv, 'state'), errors: [UsageError] },
    seeds: [
      ['--swarm', '3', '--keep', '5', '--keep-megabytes', '10'],
      ['--model', 'https://a.example/', '--engine=webgpu'],
    ],
  }),
  commandLine({
    ...{ command: 'deploy', parse: parseDeploySettings, errors: [UsageError] },
    seeds: [
      ['--rpc', 'https://rpc.example', '--key-file', 'k', '--page', 'https://a.example/b/', '--name', 'N'],
      [
        '--rpc=http://127.0.0.1:8545',
        '--key-file=k',
        '--disputes',
        'local',
        '--round',
        '20',
        '--yes',
        '--dry-run',
      ],
    ],
  }),
  commandLine({
    ...{ command: 'swarm', parse: (argv) => parseSwarmSettings(argv, 'state'), errors: [UsageError] },
    seeds: [
      ['create', 'spec.json', '--dry-run'],
      ['list', '--most', '3', '--json'],
      ['show', '#/swarm/1/3'],
      ['drill', '--model', 'm', '--members', '4', '--rounds', '1'],
    ],
  }),
  commandLine({
    ...{ command: 'pipeline', parse: settingsOf, errors: [UsageError] },
    seeds: [
      ['--members', '4', '--blocks', '4', '--kills', '2'],
      ['--members=2', '--blocks=3', '--skip', '0.3', '--json'],
    ],
  }),
  commandLine({
    ...{ command: 'export', parse: parseExportFlags, errors: [ExportCommandError] },
    seeds: [
      ['--model', 'public/models/nano', '--out', 'a.onnx', '--operands', 'bf16'],
      ['--checkpoint', 'c', '--out=b', '--json'],
    ],
  }),
  commandLine({
    ...{ command: 'judge', errors: [JudgeCommandError] },
    parse: ([kind, ...rest]) => parseJudgeFlags(kind === 'replay' ? 'replay' : 'judge', rest),
    seeds: [
      ['judge', '--onnx', 'a', '--model', 'b', '--prompt', 'c', '--answer', 'd', '--answer', 'e'],
      ['replay', '--onnx', 'a', '--verdict', 'v.json'],
    ],
  }),
  commandLine({
    ...{ command: 'identities', parse: parseIdentitiesSettings, errors: [UsageError] },
    seeds: [['--honest', '24', '--rounds=8', '--json'], ['--help']],
  }),
  commandLine({
    ...{ command: 'chaos', parse: parseChaosCommandLine, errors: [UsageError] },
    seeds: [
      ['--minutes', '15', '--members', '12', '--hostile=3', '--round', '30'],
      ['--seed', 'x', '--simulated', '--json'],
    ],
  }),
  commandLine({
    ...{ command: 'fuzz', parse: parseFuzzSettings, errors: [UsageError] },
    seeds: [
      ['swarm/message', '--inputs', '5', '--seed', 'x'],
      ['--list', '--json', '--keep', '--unguided'],
    ],
  }),
];

export const nodeTargets: readonly FuzzTarget[] = [roundRecord, recordFile, ...commands, ...httpTargets];
