import type { Address, Hex } from 'viem';

/**
 * The deterministic deployment proxy: calldata of a salt of 32 bytes and creation code, which it runs with
 * CREATE2. It stands under this address on most chains, and anybody can put it there, because its own
 * deployment is signed by nobody's key and names no chain.
 * Source: https://github.com/Arachnid/deterministic-deployment-proxy, EIP-1014.
 */
export const PROXY: Address = '0x4e59b44847b379578588920ca78fbf26c0b4956c';

/** The account that the proxy's deployment comes from. Whoever deploys it pays this account beforehand. */
export const PROXY_SIGNER: Address = '0x3fab184622dc19b6109349b94811493bf2a45362';

/** What that transaction costs, in wei: 100,000 gas at 100 gwei, which are part of what is signed. */
export const PROXY_PRICE = 10_000_000_000_000_000n;

/** The signed transaction. */
export const PROXY_TRANSACTION: Hex =
  '0xf8a58085174876e800830186a08080b853604580600e600039806000f350fe7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf31ba02222222222222222222222222222222222222222222222222222222222222222a02222222222222222222222222222222222222222222222222222222222222222';

/** The proxy's code. */
export const PROXY_CODE: Hex =
  '0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3';
