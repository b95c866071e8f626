/** One bird seen from below with spread wings. Its centre is the origin; it is 28 units wide. */
export const BIRD = 'M-14-3C-9-8.5-4-6.5 0-.5 4-6.5 9-8.5 14-3 9-5 4.2-2 0 5.2-4.2-2-9-5-14-3Z';

/** The birds of the mark, each as x, y, turn in degrees, and scale. The flock bends like a comma. */
export const FLOCK: readonly (readonly [number, number, number, number])[] = [
  [39, 18, -16, 1.45],
  [16, 30, -26, 0.95],
  [42, 41, 10, 0.8],
  [24, 52, 20, 0.55],
];

/** The product's mark. Decorative: the name stands beside it. */
export function Mark({ className = '' }: { readonly className?: string }) {
  return (
    <svg viewBox="0 0 64 64" className={className} fill="currentColor" aria-hidden="true">
      {FLOCK.map(([x, y, turn, scale]) => (
        <path key={`${x} ${y}`} d={BIRD} transform={`translate(${x} ${y}) rotate(${turn}) scale(${scale})`} />
      ))}
    </svg>
  );
}
