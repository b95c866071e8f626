/** A local chain with a Disputes contract for one test file, and accounts that play on it. */
import type { Address, Hex, PublicClient, TestClient } from 'viem';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { type Anvil, anvilControls, anvilWallet, startAnvil } from '../../devnet/anvil.ts';
import { disputesAbi, judgeAbi } from '../../generated/abi.ts';
import { disputesBytecode, judgeBytecode } from '../../generated/bytecode.ts';
import { connect } from '../../network.ts';
import { TransactionQueue, type TransactionQueueOptions } from '../../transaction-queue.ts';
import { OnchainDisputes } from '../onchain/port.ts';

/** Seconds. */
export const TIMES = { window: 1800, stepSeconds: 600, budget: 5400, extension: 600 } as const;
/** Wei. */
const MOVE_BOND = 10n ** 15n;

export interface DisputesChain {
  readonly anvil: Anvil;
  readonly client: PublicClient;
  readonly controls: TestClient;
  /** The Disputes contract. */
  readonly address: Address;
  /** A new key whose account has 100 ETH. */
  key(): Promise<Hex>;
  /** The port of a new account. */
  player(options?: Partial<TransactionQueueOptions>): Promise<OnchainDisputes>;
  /** The port of a key's account, as a process that was just started opens it. */
  playerOf(key: Hex, options?: Partial<TransactionQueueOptions>): OnchainDisputes;
  /** Moves the chain's time on by so many seconds and mines a block. */
  pass(seconds: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts anvil and deploys Judge and Disputes. Rejects as `startAnvil` does. */
export async function startDisputesChain(): Promise<DisputesChain> {
  const anvil = await startAnvil();
  const client = connect(anvil, { pollingInterval: 20 });
  const controls = anvilControls(anvil);
  const deployer = anvilWallet(anvil, 0);
  const deploy = async (contract: Parameters<typeof deployer.deployContract>[0]): Promise<Address> => {
    const hash = await deployer.deployContract(contract);
    const { contractAddress } = await client.waitForTransactionReceipt({ hash });
    if (!contractAddress) throw new Error('The deployment failed.');
    return contractAddress;
  };
  const { account = null, chain } = deployer;
  const judge = await deploy({ abi: judgeAbi, bytecode: judgeBytecode, account, chain });
  const { window, stepSeconds, budget, extension } = TIMES;
  const args = [judge, window, stepSeconds, budget, extension, MOVE_BOND] as const;
  const address = await deploy({ abi: disputesAbi, bytecode: disputesBytecode, args, account, chain });
  const playerOf = (key: Hex, options: Partial<TransactionQueueOptions> = {}): OnchainDisputes =>
    new OnchainDisputes({
      queue: new TransactionQueue({ client, wallet: anvilWallet(anvil, key), pollMs: 20, ...options }),
      address,
    });
  const key = async (): Promise<Hex> => {
    const made = generatePrivateKey();
    await controls.setBalance({ address: privateKeyToAddress(made), value: 100n * 10n ** 18n });
    return made;
  };
  return {
    anvil,
    client,
    controls,
    address,
    key,
    playerOf,
    player: async (options) => playerOf(await key(), options),
    async pass(seconds) {
      await controls.increaseTime({ seconds });
      await controls.mine({ blocks: 1 });
    },
    stop: () => anvil.stop(),
  };
}
