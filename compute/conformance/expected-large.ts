/**
 * Digest of each large case's outputs by the reference engine, so that a page can check a device
 * in seconds. Made by `npx tsx compute/conformance/write-expected.ts --large`. A change here without a new
 * case is a change of the numeric specification.
 */
export const EXPECTED_LARGE: Readonly<Record<string, string>> = {
  'attention B=1 Tq=1100 Tk=1100 heads=2 kvHeads=1 headDim=4 scale=0.5: ordinary, ordinary, cancelling, 0..1099':
    '58e989b94af4b80b',
  'attention.grad.q B=1 Tq=1100 Tk=1100 heads=2 kvHeads=1 headDim=4 scale=0.5: ordinary, ordinary, cancelling, 0..1099, positive, ordinary, ordinary':
    '1654788bffcbdc8a',
  'attention.grad.kv B=1 Tq=1100 Tk=1100 heads=2 kvHeads=1 headDim=4 scale=0.5: ordinary, ordinary, cancelling, 0..1099, positive, ordinary, ordinary':
    'cf0df412fdc5ede3',
  'attention B=1 Tq=2900 Tk=2900 heads=1 kvHeads=1 headDim=4 scale=0.5: ordinary, ordinary, cancelling, 0..2899':
    '6136a86a947245d7',
  'attention.grad.q B=1 Tq=2900 Tk=2900 heads=1 kvHeads=1 headDim=4 scale=0.5: ordinary, ordinary, cancelling, 0..2899, positive, ordinary, ordinary':
    '27b2c13265e65e91',
  'attention.grad.kv B=1 Tq=2100 Tk=2100 heads=1 kvHeads=1 headDim=4 scale=0.5: ordinary, ordinary, cancelling, 0..2099, positive, ordinary, ordinary':
    '273e5ebb0db72478',
  'xent.lse N=2 V=151936: ordinary': '236fa5281214284f',
  'xent.grad N=2 V=151936: ordinary, ordinary, <151936, positive': '8b1c7d1e248ebff5',
  'sample N=5 V=151936 invTemperature=0.125 greedy=0: ordinary, unit': 'aec3b7f3221900e4',
  'sample.filter N=2 V=151936 topK=50 topP=0.8999999761581421 invTemperature=1: ordinary': 'b6a7ad3e5688ca11',
  'sample.filter N=1 V=151936 topK=0 topP=0.949999988079071 invTemperature=0.125: ties': '3dfd76b55b219592',
  'embed.grad N=1100 V=151936 D=2: <151936, cancelling': '931e54128789273d',
  'embed N=9 V=151936 D=7: <151936, bf16 any': '6e6333f83ad2c05e',
  'matmul M=1 N=20000 K=448 transposeA=0 transposeB=1: ordinary, bf16 ordinary': 'e583dd109cccb8c3',
  'matmul M=2 N=3 K=1048576 transposeA=0 transposeB=0: lattice, lattice': '614cc6028c0c58db',
};
