export default function WalletPanel() {
  return null;
}
