/** A chain with a Disputes contract for one test file, and parties that play on it. */
import type { Address, Hex, PublicClient, TestClient } from 'viem';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { type Anvil, anvilControls, anvilWallet, startAnvil } from '../../devnet/anvil.ts';
import { disputesAbi, judgeAbi } from '../../generated/abi.ts';
import { disputesBytecode, judgeBytecode } from '../../generated/bytecode.ts';
import { connect } from '../../network.ts';
import { TransactionQueue, type TransactionQueueOptions } from '../../transaction-queue.ts';
import { OnchainDisputes } from '../onchain/port.ts';

export const TIMES = { window: 3600, budget: 7200, extension: 600 } as const;

export interface Arena {
  readonly anvil: Anvil;
  readonly client: PublicClient;
  readonly controls: TestClient;
  readonly address: Address;
  /** A party with a key of its own and 100 ETH. */
  party(options?: Partial<TransactionQueueOptions>): Promise<OnchainDisputes>;
  key(): Promise<Hex>;
  /** The same party again, as after a restart. */
  partyOf(key: Hex, options?: Partial<TransactionQueueOptions>): OnchainDisputes;
  /** Moves the chain's time on, and mines a block then. */
  pass(seconds: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts anvil and deploys Judge and Disputes. Reject as `startAnvil` does. */
export async function startArena(): Promise<Arena> {
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
  const { window, budget, extension } = TIMES;
  const args = [judge, window, budget, extension, 10n ** 15n] as const;
  const address = await deploy({ abi: disputesAbi, bytecode: disputesBytecode, args, account, chain });
  const partyOf = (key: Hex, options: Partial<TransactionQueueOptions> = {}): OnchainDisputes =>
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
    ...{ anvil, client, controls, address, partyOf, key },
    party: async (options) => partyOf(await key(), options),
    async pass(seconds) {
      await controls.increaseTime({ seconds });
      await controls.mine({ blocks: 1 });
    },
    stop: () => anvil.stop(),
  };
}
