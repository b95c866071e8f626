import { BaseError } from 'viem';
import { ChainError, toChainError } from './errors.ts';

/** What a wallet could not do, told apart as far as the remedies differ. */
export type WalletFailure =
  | 'declined'
  | 'busy'
  | 'unauthorized'
  | 'unsupported'
  | 'disconnected'
  | 'wrong-chain'
  | 'unknown-chain'
  | 'locked'
  | 'app-closed'
  | 'blind-signing'
  | 'nonce'
  | 'no-node'
  | 'timeout';

const SENTENCES: Readonly<Record<WalletFailure, string>> = {
  declined: 'You declined in the wallet, so nothing was changed. You can try again at any time.',
  busy: 'The wallet is already asking you something. Open it and answer there.',
  unauthorized: 'The wallet does not let this page use that account. Unlock it, or connect it here again.',
  unsupported: 'The wallet cannot do this. Update it, or use another wallet.',
  disconnected: 'The wallet has lost its connection. Open it, check its network, and connect it again.',
  'wrong-chain': 'The wallet is on another chain. Switch it to this network, and try again.',
  'unknown-chain': 'The wallet does not know this network. Add it there, and try again.',
  locked: 'The wallet is locked. Unlock it, and try again.',
  'app-closed': 'Open the Ethereum app on the hardware wallet, and try again.',
  'blind-signing':
    'The hardware wallet does not sign such data yet. Allow blind signing in its Ethereum app, and try again.',
  nonce:
    'The wallet counts its transactions from an earlier start of this chain. Clear its activity data there, and try again.',
  'no-node': 'The wallet does not reach this network. Check the network’s address in the wallet.',
  timeout: 'The wallet gave no answer in time. Open it, see what it asks, and try again.',
};

/** Codes of EIP-1193, EIP-3085 and EIP-1474 whose meaning is certain. */
const CODES: Readonly<Record<number, WalletFailure>> = {
  4001: 'declined',
  [-32002]: 'busy',
  4100: 'unauthorized',
  4200: 'unsupported',
  [-32601]: 'unsupported',
  [-32004]: 'unsupported',
  4900: 'disconnected',
  4901: 'wrong-chain',
  4902: 'unknown-chain',
};

/** Names of errors: viem's and wagmi's own, where no wallet gave a code. */
const NAMES: Readonly<Record<string, WalletFailure>> = {
  ChainMismatchError: 'wrong-chain',
  ConnectorChainMismatchError: 'wrong-chain',
  ConnectorAccountNotFoundError: 'unauthorized',
  ConnectorNotConnectedError: 'disconnected',
  ConnectorUnavailableReconnectingError: 'disconnected',
  NonceTooLowError: 'nonce',
  NonceTooHighError: 'nonce',
};

/**
 * What wallets write under the codes that say nothing (-32603, -32000) or without a code. The hexadecimal
 * numbers are status words of Ledger devices.
 */
const WORDS: readonly (readonly [RegExp, WalletFailure])[] = [
  [/nonce (is )?too (low|high)|invalid nonce|nonce has already been used/i, 'nonce'],
  [/blind.?sign|contract data|0x6a80\b/i, 'blind-signing'],
  [/0x6511\b|0x6d0[02]\b|0x6e0[01]\b|(open|launch) the .*app/i, 'app-closed'],
  [/\blocked\b|0x5515\b|0x6b0c\b|0x6804\b/i, 'locked'],
  [/chain.?id.*(match|mismatch)|chain mismatch|(another|wrong|different) (chain|network)\b/i, 'wrong-chain'],
  [/(rejected|denied|cancelled) by (the )?user|user (rejected|denied)|0x6985\b/i, 'declined'],
  [/failed to fetch|econnrefused|network error|could not connect/i, 'no-node'],
  [/timed? ?out|timeout/i, 'timeout'],
];

/** What is known of an error and of what caused it, the outermost first. */
interface Link {
  readonly code: unknown;
  readonly name: unknown;
  readonly words: string;
}

/** A wallet did not do what it was asked. The message is one sentence that names the remedy. */
export class WalletError extends ChainError {
  override readonly name = 'WalletError';
  /** Undefined where the wallet's words say no more. */
  readonly failure: WalletFailure | undefined;

  constructor(message: string, failure: WalletFailure | undefined, options?: ErrorOptions) {
    super('wallet', message, options);
    this.failure = failure;
  }
}

/**
 * Which failure a wallet reports (EIP-1193 codes, known names, then its words); undefined where it cannot be
 * told. Only for errors that come from a wallet: a node's codes mean other things.
 */
export function walletFailureOf(error: unknown): WalletFailure | undefined {
  const links = chainOfCauses(error);
  for (const { code } of links) {
    const failure = typeof code === 'number' ? CODES[code] : undefined;
    if (failure !== undefined) return failure;
  }
  for (const { name } of links) {
    const failure = typeof name === 'string' ? NAMES[name] : undefined;
    if (failure !== undefined) return failure;
  }
  for (const [pattern, failure] of WORDS) {
    if (links.some(({ words }) => pattern.test(words))) return failure;
  }
  return undefined;
}

/**
 * A wallet's failure as a ChainError: the contract's refusal or missing coin where the wallet passes one on,
 * else WalletError. Never blames the node that the page asks.
 */
export function toWalletError(error: unknown): ChainError {
  const known = toChainError(error);
  if (known.code !== 'unreachable') return known;
  const failure = walletFailureOf(error);
  if (failure !== undefined) return new WalletError(SENTENCES[failure], failure, { cause: error });
  const said = saidBy(error);
  const sentence =
    said === ''
      ? 'The wallet gave no reason. Open it, see what it says, and try again.'
      : `The wallet could not do it (${said}). Open it, see what it says, and try again.`;
  return new WalletError(sentence, undefined, { cause: error });
}

/** The wallet's own words, at most 200 characters: viem keeps them in `details`. */
function saidBy(error: unknown): string {
  const [outermost] = chainOfCauses(error);
  const words = error instanceof BaseError ? error.details || error.shortMessage : outermost?.words;
  return (words ?? '').trim().replace(/\.$/, '').slice(0, 200);
}

function chainOfCauses(error: unknown): readonly Link[] {
  const links: Link[] = [];
  let current = error;
  while (links.length < 8 && typeof current === 'object' && current !== null) {
    const { code, name, details, data, cause } = current as Readonly<
      Record<'code' | 'name' | 'details' | 'data' | 'cause', unknown>
    >;
    // viem's message holds the whole request, whose data could read like anything.
    const message = current instanceof BaseError ? current.shortMessage : messageIn(current);
    const words = [message, typeof details === 'string' ? details : '', messageIn(data)].join(' ').trim();
    links.push({ code, name, words });
    current = cause;
  }
  return links;
}

function messageIn(value: unknown): string {
  if (typeof value !== 'object' || value === null || !('message' in value)) return '';
  return typeof value.message === 'string' ? value.message : '';
}
