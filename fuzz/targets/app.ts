/** What the page reads beside the network: addresses, saved keys, kept records, what a person typed. */

import { isDeepStrictEqual } from 'node:util';
import { folderAddress, nameOfAddress, nameOfPicked } from '../../app/models/naming.ts';
import { parseRoute } from '../../app/shell/route.ts';
import { parseEngineChoice } from '../../app/volunteer/engine-choice.ts';
import { decodeKeyBackup, KeyBackupError, needsPassphrase } from '../../app/volunteer/key-backup.ts';
import { COIN_TOKEN, formatAmount, parseAmount } from '../../chain/token-amount.ts';
import { addressOf, deviceKey } from '../../protocol/device-key.ts';
import { formatCostRecord, parseCostRecord } from '../../workers/cost-record.ts';
import { bytesMutator } from '../mutate/bytes.ts';
import { jsonMutator } from '../mutate/json.ts';
import { ACCEPTED, assert, bytesOf, type FuzzTarget, refusedLater, textOf } from '../target.ts';

const route: FuzzTarget = {
  name: 'app/route',
  about: 'what follows the # of the page’s address: a screen, with whole numbers, never an error',
  mutator: bytesMutator([
    '#/swarm/',
    '#/jobs/',
    '#/checks/',
    '#/models',
    '#/swarms',
    '/',
    '999999999999999',
    '%2F',
    '?',
    '\n',
  ]),
  maxBytes: 300,
  shortInputs: 1500,
  async open() {
    const screens = ['contribute', 'swarms', 'swarm', 'jobs', 'checks', 'models'];
    return {
      seeds: ['', '#/swarm/1/3', '#/jobs/3', '#/checks', '#/models', '#/swarms'].map(bytesOf),
      attempt(input) {
        const text = textOf(input);
        const found = parseRoute(text);
        assert(screens.includes(found.screen), 'There is no such screen.');
        for (const value of Object.values(found))
          assert(
            typeof value !== 'number' || (Number.isSafeInteger(value) && value >= 0),
            'A number is none.',
          );
        parseEngineChoice(text);
        return found.screen === 'contribute' ? { kind: 'refused', why: 'the first screen' } : ACCEPTED;
      },
    };
  },
};

const modelAddress: FuzzTarget = {
  name: 'app/model-address',
  about: 'the address of a model that a person typed: a folder and a name, never an error',
  mutator: bytesMutator([
    'https://huggingface.co/',
    '/resolve/main/',
    '/tree/',
    '%',
    '%zz',
    '@',
    ':',
    '//',
    '\\',
    '[::1]',
    '?',
    '#',
    '..',
  ]),
  maxBytes: 400,
  shortInputs: 700,
  async open() {
    return {
      seeds: [
        'https://huggingface.co/Qwen/Qwen2.5-0.5B',
        'https://huggingface.co/a/b/tree/v1',
        'http://127.0.0.1:80/x/y/',
        ' text ',
      ].map(bytesOf),
      attempt(input) {
        const text = textOf(input);
        const folder = folderAddress(text);
        assert(folderAddress(folder) === folder, 'The folder of a folder is another one.');
        assert(nameOfAddress(text).length <= 12 * text.length + 40, 'A name is longer than its address.');
        nameOfPicked([text, text]);
        return URL.canParse(folder) ? ACCEPTED : { kind: 'refused', why: 'no address' };
      },
    };
  },
};

const keyBackup: FuzzTarget = {
  name: 'app/key-backup',
  about: 'a saved device key: the key of the device that it names, or KeyBackupError',
  mutator: jsonMutator(['starling-device-key-1', 'starling-device-key-2', 'encrypted', 'toString']),
  maxBytes: 12_000,
  shortInputs: 300,
  async open() {
    const secret = new Uint8Array(32).fill(7);
    const { address: device } = deviceKey(secret);
    const created = '2026-11-29T00:00:00.000Z';
    const kdf = { name: 'PBKDF2', hash: 'SHA-256', iterations: 1, salt: `0x${'00'.repeat(16)}` };
    const encrypted = {
      kdf,
      cipher: { name: 'AES-256-GCM', nonce: `0x${'00'.repeat(12)}` },
      ciphertext: `0x${'00'.repeat(48)}`,
    };
    return {
      seeds: [
        { format: 'starling-device-key-1', device, created, secret: '07'.repeat(32) },
        { format: 'starling-device-key-2', device, created, encrypted },
      ].map((each) => bytesOf(JSON.stringify(each))),
      attempt: (input) =>
        refusedLater(async () => {
          const text = textOf(input);
          needsPassphrase(text);
          // Too long to be a passphrase, so that no key is derived, which takes long.
          const found = await decodeKeyBackup(text, 'x'.repeat(100_000));
          const key = deviceKey(found.secret);
          const { device } = JSON.parse(text) as { readonly device: unknown };
          assert(device === addressOf(key.publicKey), 'The key is of another device.');
          assert(Number.isFinite(found.createdAt), 'The time is none.');
        }, KeyBackupError),
    };
  },
};

const costRecord: FuzzTarget = {
  name: 'workers/cost-record',
  about: 'what rounds took, as a page keeps it; what is taken reads back the same',
  mutator: jsonMutator(),
  maxBytes: 4000,
  shortInputs: 700,
  async open() {
    const sample = {
      predicted: { seconds: 3, memory: 1e8 },
      rounds: [{ round: 1, seconds: 2.5, memory: null }],
    };
    return {
      seeds: [
        bytesOf(JSON.stringify(sample)),
        bytesOf('{"predicted":{"seconds":null,"memory":0},"rounds":[]}'),
      ],
      attempt(input) {
        const read = parseCostRecord(textOf(input));
        if (read === null) return { kind: 'refused', why: 'no record' };
        assert(isDeepStrictEqual(parseCostRecord(formatCostRecord(read)), read), 'It reads back otherwise.');
        return ACCEPTED;
      },
    };
  },
};

const amount: FuzzTarget = {
  name: 'chain/amount',
  about: 'an amount of a token that a person typed',
  mutator: bytesMutator(['.', '-', '1e9', '0x1', '999999999', ' ', '٣', '000000000000000001', ',']),
  maxBytes: 80,
  shortInputs: 1000,
  async open() {
    return {
      seeds: ['0.25', '1', ' 999999999.000000000000000001 '].map(bytesOf),
      attempt(input) {
        const read = parseAmount(textOf(input), COIN_TOKEN);
        if (read === undefined) return { kind: 'refused', why: 'no amount' };
        assert(read.units > 0n && read.units < 10n ** 27n, 'The amount is out of bounds.');
        assert(formatAmount(read).length < 60, 'The amount is written without end.');
        return ACCEPTED;
      },
    };
  },
};

export const appTargets: readonly FuzzTarget[] = [route, modelAddress, keyBackup];
export const workerTargets: readonly FuzzTarget[] = [costRecord];
export const chainTargets: readonly FuzzTarget[] = [amount];
