export default function ChecksScreen({ claim }: { readonly claim: number | null }) {
  return <main>{claim}</main>;
}
