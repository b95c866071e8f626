import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Block, createBlock } from '@ethereumjs/block';
import { type Common, createCustomCommon, Hardfork, Mainnet } from '@ethereumjs/common';
import { createTx, createTxFromRLP, type TxData, type TypedTransaction } from '@ethereumjs/tx';
import {
  Account,
  bytesToHex,
  createAddressFromString,
  hexToBytes,
  type PrefixedHexString,
} from '@ethereumjs/util';
import { createVM, type RunTxResult, runTx, type VM } from '@ethereumjs/vm';

export interface EthereumJsNodeOptions {
  /** Accounts that have 100 coins at the start. Defaults to none. */
  readonly rich?: readonly PrefixedHexString[];
  /** Defaults to 424242. */
  readonly chainId?: number;
  /** Defaults to 30 million. */
  readonly blockGas?: bigint;
  /** Most bytes of a transaction's calldata. Defaults to what nodes take, 128 KiB. */
  readonly maxCalldata?: number;
  /** Most bytes of a contract. Defaults to 24,576 (EIP-170). */
  readonly maxCode?: number;
  /** Defaults to prague. */
  readonly hardfork?: 'shanghai' | 'prague';
}

/** A chain of one process on EthereumJS's EVM, which is none of anvil's (revm). */
export interface EthereumJsNode {
  readonly rpc: string;
  readonly chainId: number;
  stop(): Promise<void>;
}

interface Mined {
  readonly tx: TypedTransaction;
  readonly result: RunTxResult;
  readonly block: Block;
}

type Parameters = readonly unknown[];

const BASE_FEE = 1_000_000_000n;
const ZERO_BLOOM = `0x${'00'.repeat(256)}`;

/**
 * Starts a node that mines a block for each transaction and answers the part of JSON-RPC that viem needs for
 * reading contracts and sending signed transactions. It holds no accounts.
 */
export async function startEthereumJsNode(options: EthereumJsNodeOptions = {}): Promise<EthereumJsNode> {
  const { rich = [], chainId = 424_242, blockGas = 30_000_000n, maxCalldata = 131_072 } = options;
  const hardfork = options.hardfork === 'shanghai' ? Hardfork.Shanghai : Hardfork.Prague;
  const common = createCustomCommon({ chainId, name: 'elsewhere' }, Mainnet, { hardfork });
  const vm = await createVM({ common });
  // Of EIP-170, which EthereumJS counts among those of EIP-607.
  if (options.maxCode !== undefined) vm.common.updateParams({ 607: { maxCodeSize: options.maxCode } });
  for (const address of rich)
    await vm.stateManager.putAccount(createAddressFromString(address), new Account(0n, 10n ** 20n));
  const blocks: Block[] = [nextBlock(common, blockGas, undefined)];
  const mined = new Map<string, Mined>();
  const latest = (): Block => blocks.at(-1) as Block;

  const run = async (data: TxData[keyof TxData] & object, from: string): Promise<RunTxResult> => {
    const tx = impersonated(createTx(data as never, { common, freeze: false }), from);
    await vm.stateManager.checkpoint();
    try {
      const block = nextBlock(common, blockGas, latest());
      const skip = { skipBalance: true, skipNonce: true, skipBlockGasLimitValidation: true };
      return await runTx(vm, { tx, block, ...skip });
    } finally {
      await vm.stateManager.revert();
    }
  };
  const tried = async (call: Readonly<Record<string, PrefixedHexString>>): Promise<RunTxResult> => {
    const { to, data, input, value, from = `0x${'00'.repeat(20)}` } = call;
    const calldata = data ?? input ?? '0x';
    if (calldata.length / 2 - 1 > maxCalldata) throw new Error('oversized data');
    const gasPrice = 2n * BASE_FEE;
    const target = to === undefined ? {} : { to };
    const given = { ...target, data: calldata, value: value ?? '0x0', gasLimit: blockGas, gasPrice };
    const result = await run(given as never, from);
    const { exceptionError, returnValue } = result.execResult;
    if (exceptionError !== undefined)
      throw Object.assign(new Error(`execution reverted: ${exceptionError.error}`), {
        data: bytesToHex(returnValue),
      });
    return result;
  };

  const methods: Readonly<Record<string, (params: Parameters) => unknown>> = {
    eth_chainId: () => hex(chainId),
    net_version: () => String(chainId),
    eth_blockNumber: () => hex(latest().header.number),
    eth_gasPrice: () => hex(2n * BASE_FEE),
    eth_maxPriorityFeePerGas: () => hex(BASE_FEE),
    eth_getBlockByNumber: ([tag]) =>
      blockJson(tag === 'latest' || tag === 'pending' ? latest() : blocks[Number(tag)]),
    eth_getBalance: async ([address]) => hex((await account(vm, address))?.balance ?? 0n),
    eth_getTransactionCount: async ([address]) => hex((await account(vm, address))?.nonce ?? 0n),
    eth_getCode: async ([address]) =>
      bytesToHex(await vm.stateManager.getCode(createAddressFromString(String(address)))),
    eth_call: async ([call]) => bytesToHex((await tried(call as never)).execResult.returnValue),
    // What a call inside another one may use is a 64th less.
    eth_estimateGas: async ([call]) => hex(((await tried(call as never)).totalGasSpent * 65n) / 64n),
    eth_sendRawTransaction: async ([raw]) => {
      const tx = createTxFromRLP(hexToBytes(raw as PrefixedHexString), { common });
      if (tx.data.length > maxCalldata) throw new Error('oversized data');
      const block = nextBlock(common, blockGas, latest());
      const result = await runTx(vm, { tx, block });
      blocks.push(block);
      const hash = bytesToHex(tx.hash());
      mined.set(hash, { tx, result, block });
      return hash;
    },
    eth_getTransactionReceipt: ([hash]) => receiptJson(mined.get(String(hash))),
    eth_getTransactionByHash: ([hash]) => transactionJson(mined.get(String(hash))),
    eth_getLogs: () => [...mined.values()].flatMap((each) => receiptJson(each)?.logs ?? []),
  };

  // One request at a time: the state has one journal.
  let before: Promise<unknown> = Promise.resolve();
  const server = createServer((request, response) => {
    before = before.then(async () => {
      const {
        id,
        method,
        params: given,
      } = JSON.parse(await bodyOf(request)) as {
        readonly id: unknown;
        readonly method: string;
        readonly params?: Parameters;
      };
      const answer = await (async () => {
        const found = methods[method];
        if (found === undefined) return { error: { code: -32_601, message: `no ${method}` } };
        try {
          return { result: (await found(given ?? [])) ?? null };
        } catch (error) {
          const { message, data } = error as Error & { readonly data?: string };
          return { error: { code: data === undefined ? -32_000 : 3, message, data } };
        }
      })();
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    rpc: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    chainId,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function nextBlock(common: Common, gasLimit: bigint, parent: Block | undefined): Block {
  const now = BigInt(Math.floor(Date.now() / 1000));
  const earliest = parent === undefined ? 0n : parent.header.timestamp + 1n;
  const header = {
    number: parent === undefined ? 0n : parent.header.number + 1n,
    timestamp: now > earliest ? now : earliest,
    ...{ gasLimit, baseFeePerGas: BASE_FEE },
    ...(parent === undefined ? {} : { parentHash: parent.hash() }),
  };
  return createBlock({ header }, { common, skipConsensusFormatValidation: true });
}

/** A transaction that counts as one of an account that did not sign it, to try what it would do. */
function impersonated(tx: TypedTransaction, from: string): TypedTransaction {
  const sender = createAddressFromString(from);
  return Object.assign(tx, { getSenderAddress: () => sender, isSigned: () => true });
}

async function account(vm: VM, address: unknown): Promise<Account | undefined> {
  return vm.stateManager.getAccount(createAddressFromString(String(address)));
}

function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

function blockJson(block: Block | undefined) {
  if (block === undefined) return null;
  const { header } = block;
  return {
    ...{ hash: bytesToHex(block.hash()), parentHash: bytesToHex(header.parentHash), transactions: [] },
    ...{ number: hex(header.number), timestamp: hex(header.timestamp), baseFeePerGas: hex(BASE_FEE) },
    ...{ gasLimit: hex(header.gasLimit), gasUsed: '0x0', difficulty: '0x0', totalDifficulty: '0x0' },
    ...{ size: '0x0', uncles: [], nonce: '0x0000000000000000', logsBloom: ZERO_BLOOM },
  };
}

function receiptJson(each: Mined | undefined) {
  if (each === undefined) return null;
  const { tx, result, block } = each;
  const place = {
    ...{ transactionHash: bytesToHex(tx.hash()), transactionIndex: '0x0' },
    ...{ blockHash: bytesToHex(block.hash()), blockNumber: hex(block.header.number) },
  };
  return {
    ...place,
    from: tx.getSenderAddress().toString(),
    to: tx.to?.toString() ?? null,
    contractAddress: result.createdAddress?.toString() ?? null,
    status: result.execResult.exceptionError === undefined ? '0x1' : '0x0',
    gasUsed: hex(result.totalGasSpent),
    cumulativeGasUsed: hex(result.totalGasSpent),
    effectiveGasPrice: hex(2n * BASE_FEE),
    ...{ type: hex(tx.type), logsBloom: ZERO_BLOOM },
    logs: (result.execResult.logs ?? []).map(([address, topics, data], i) => ({
      ...place,
      ...{
        address: bytesToHex(address),
        data: bytesToHex(data),
        topics: topics.map((topic) => bytesToHex(topic)),
      },
      ...{ logIndex: hex(i), removed: false },
    })),
  };
}

function transactionJson(each: Mined | undefined) {
  if (each === undefined) return null;
  const { tx, block } = each;
  return {
    ...{ hash: bytesToHex(tx.hash()), from: tx.getSenderAddress().toString(), to: tx.to?.toString() ?? null },
    ...{ nonce: hex(tx.nonce), value: hex(tx.value), input: bytesToHex(tx.data), gas: hex(tx.gasLimit) },
    ...{
      blockHash: bytesToHex(block.hash()),
      blockNumber: hex(block.header.number),
      transactionIndex: '0x0',
    },
    ...{ type: hex(tx.type), gasPrice: hex(2n * BASE_FEE), v: '0x0', r: '0x0', s: '0x0' },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}
