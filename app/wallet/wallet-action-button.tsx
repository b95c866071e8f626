import { ActionButton, type ActionButtonProps } from '../ui/action-button.tsx';
import { walletSentence } from './wallet-error.ts';

/** A button for something that a wallet pays for or signs, and that the wallet or a contract may refuse. */
export function WalletActionButton(props: Omit<ActionButtonProps, 'explain'>) {
  return <ActionButton {...props} explain={walletSentence} />;
}
